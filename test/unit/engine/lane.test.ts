import { describe, expect, it } from '@jest/globals';
import { Lane } from '../../../host/engine/lane.ts';

const NEVER = new AbortController().signal;

/** Returns work that the test completes. */
function work(name: string, started: string[]) {
  const done = Promise.withResolvers<string>();
  const run = () => {
    started.push(name);
    return done.promise;
  };
  return { run, end: () => done.resolve(name) };
}

describe('Lane', () => {
  it('never exceeds its capacity', async () => {
    const lane = new Lane(2);
    let [running, most] = [0, 0];
    const run = () =>
      lane.run(NEVER, async () => {
        running += 1;
        most = Math.max(most, running);
        await Promise.resolve();
        running -= 1;
      });
    await Promise.all(Array.from({ length: 20 }, () => Promise.resolve().then(run)));
    expect(most).toBe(2);
  });

  it('uses its full capacity, and runs waiting work in order', async () => {
    const lane = new Lane(2);
    const started: string[] = [];
    const works = ['a', 'b', 'c', 'd'].map((name) => work(name, started));
    const results = works.map(({ run }) => lane.run(NEVER, run));
    expect(started).toEqual(['a', 'b']);
    works[1]?.end();
    expect(await results[1]).toBe('b');
    const late = lane.run(NEVER, () => Promise.resolve('late'));
    for (const { end } of works) end();
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c', 'd']);
    expect(started).toEqual(['a', 'b', 'c', 'd']);
    expect(await late).toBe('late');
  });

  it('skips work that is aborted while it waits', async () => {
    const lane = new Lane(1);
    const started: string[] = [];
    const [first, second, third] = [work('first', started), work('second', started), work('third', started)];
    const end = new AbortController();
    const results = [lane.run(NEVER, first.run), lane.run(end.signal, second.run), lane.run(NEVER, third.run)];
    end.abort();
    expect(await results[1]).toBeUndefined();
    first.end();
    third.end();
    expect(await Promise.all(results)).toEqual(['first', undefined, 'third']);
    expect(started).toEqual(['first', 'third']);
  });

  it('continues after work that fails', async () => {
    const lane = new Lane(1);
    const failed = lane.run(NEVER, () => Promise.reject(new Error('no')));
    const next = lane.run(NEVER, () => Promise.resolve('next'));
    await expect(failed).rejects.toThrow('no');
    expect(await next).toBe('next');
  });
});
