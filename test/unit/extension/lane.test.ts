import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { Lane } from '../../../extension/worker/callers/lane.ts';

const NEVER = new AbortController().signal;

describe('a lane', () => {
  it('runs one job at a time, in order, even after one has failed', async () => {
    const lane = new Lane();
    const events: string[] = [];
    const job = (name: string) => async () => {
      events.push(`${name} starts`);
      await delay(0);
      events.push(`${name} ends`);
      if (name === 'first') throw new Error(name);
      return name;
    };
    const results = await Promise.allSettled(['first', 'second', 'third'].map((name) => lane.run(NEVER, job(name))));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    const order = ['first', 'second', 'third'].flatMap((name) => [`${name} starts`, `${name} ends`]);
    expect(events).toEqual(order);
  });

  it('rejects a job that is aborted while it waits, and releases its data immediately', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage: () => void = runInNewContext('gc');
    const lane = new Lane();
    const running = Promise.withResolvers<void>();
    const first = lane.run(NEVER, () => running.promise);
    const addAndAbort = async () => {
      const data = { text: 'x'.repeat(1_000) };
      const controller = new AbortController();
      const result = lane.run(controller.signal, async () => data.text);
      controller.abort(new Error('stopped'));
      await expect(result).rejects.toThrow('stopped');
      return new WeakRef(data);
    };
    const data = await addAndAbort();
    await delay(0);
    collectGarbage();
    expect(data.deref()).toBeUndefined();
    running.resolve();
    await first;
    await expect(lane.run(AbortSignal.abort(new Error('too late')), async () => 1)).rejects.toThrow('too late');
    expect(await lane.run(NEVER, async () => 2)).toBe(2);
  });
});
