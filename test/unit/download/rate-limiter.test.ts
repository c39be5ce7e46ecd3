import { describe, expect, it } from '@jest/globals';
import { RateLimiter } from '../../../host/download/rate-limiter.ts';

const never = new AbortController().signal;

/** A clock that passes when somebody sleeps, and only then. */
function clock() {
  let now = 0;
  return {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
    pass: (ms: number) => {
      now += ms;
    },
  };
}

describe('an rateLimiter of bytes', () => {
  it('keeps many takers together to its speed', async () => {
    const time = clock();
    const rateLimiter = new RateLimiter(1_000_000, time);
    for (let i = 0; i < 200; i += 1) await rateLimiter.take(50_000, never);
    // 10 MB at 1 MB/s.
    expect(time.now()).toBeGreaterThan(9_500);
    expect(time.now()).toBeLessThanOrEqual(10_000);
  });

  it('saves nothing up over a pause but a moment', async () => {
    const time = clock();
    const rateLimiter = new RateLimiter(1_000_000, time);
    time.pass(60_000);
    for (let i = 0; i < 20; i += 1) await rateLimiter.take(50_000, never);
    expect(time.now()).toBeGreaterThanOrEqual(60_000 + 750);
  });

  it('is no limit where none is set', async () => {
    const time = clock();
    await new RateLimiter(undefined, time).take(1e12, never);
    expect(time.now()).toBe(0);
  });

  it('keeps one download below a speed of its own, and all of them below theirs', async () => {
    const time = clock();
    const all = new RateLimiter(1_000_000, time);
    expect(all.child(undefined)).toBe(all);
    const slow = all.child(100_000);
    for (let i = 0; i < 20; i += 1) await slow.take(50_000, never);
    expect(time.now()).toBeGreaterThan(9_500);
    expect(time.now()).toBeLessThanOrEqual(10_000);
    const quick = all.child(1e12);
    for (let i = 0; i < 100; i += 1) await quick.take(50_000, never);
    expect(time.now()).toBeGreaterThan(14_000);
  });

  it('gives way to who does not want to wait any more', async () => {
    const controller = new AbortController();
    const taken = new RateLimiter(1_000).take(1e9, controller.signal);
    controller.abort(new Error('enough'));
    await expect(taken).rejects.toThrow('enough');
  });
});
