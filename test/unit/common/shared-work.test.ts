import { describe, expect, it } from '@jest/globals';
import { SharedWork } from '../../../host/common/shared-work.ts';

/** Returns work that the test completes, and that records whether it was aborted. */
function work() {
  const result = Promise.withResolvers<string>();
  let given: AbortSignal | undefined;
  let tell: (progress: number) => void = () => undefined;
  const shared = new SharedWork<string, number>((signal, onProgress) => {
    given = signal;
    tell = onProgress;
    signal.addEventListener('abort', () => result.reject(signal.reason));
    return result.promise;
  });
  return { shared, finish: result.resolve, fail: result.reject, tell: (n: number) => tell(n), signal: () => given };
}

describe('SharedWork', () => {
  it('resolves for all callers and reports progress to each', async () => {
    const { shared, finish, tell } = work();
    const heard: string[] = [];
    const all = [
      shared.join({ onProgress: (n) => heard.push(`a${n}`) }),
      shared.join({ onProgress: (n) => heard.push(`b${n}`) }),
    ];
    tell(1);
    finish('done');
    expect(await Promise.all(all)).toEqual(['done', 'done']);
    expect(heard).toEqual(['a1', 'b1']);
  });

  it('continues when one caller leaves', async () => {
    const { shared, finish, signal } = work();
    const controller = new AbortController();
    const leaving = shared.join({ signal: controller.signal });
    const staying = shared.join({});
    controller.abort(new Error('left'));
    await expect(leaving).rejects.toThrow('left');
    expect(signal()?.aborted).toBe(false);
    finish('done');
    expect(await staying).toBe('done');
  });

  it('is aborted when the last caller leaves, with that caller’s reason', async () => {
    const { shared, signal } = work();
    const [first, second] = [new AbortController(), new AbortController()];
    const waiting = [shared.join({ signal: first.signal }), shared.join({ signal: second.signal })].map((promise) =>
      promise.catch((error: unknown) => (error instanceof Error ? error.message : '')),
    );
    first.abort(new Error('one'));
    await waiting[0];
    second.abort(new Error('two'));
    expect(await Promise.all(waiting)).toEqual(['one', 'two']);
    expect(signal()?.reason).toEqual(new Error('two'));
    expect(shared.isAborted).toBe(true);
  });

  it('is aborted when both callers leave at the same time', async () => {
    const { shared, signal } = work();
    const controller = new AbortController();
    const both = [shared.join({ signal: controller.signal }), shared.join({ signal: controller.signal })];
    const settled = Promise.allSettled(both);
    controller.abort(new Error('gone'));
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(signal()?.aborted).toBe(true);
  });

  it('rejects for all callers with its own error', async () => {
    const { shared, fail } = work();
    const all = Promise.allSettled([shared.join({}), shared.join({})]);
    fail(new Error('broken'));
    expect((await all).map((outcome) => outcome.status === 'rejected' && outcome.reason.message)).toEqual([
      'broken',
      'broken',
    ]);
  });
});
