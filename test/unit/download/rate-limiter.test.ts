import { describe, expect, it } from '@jest/globals';
import { RateLimiter } from '../../../host/download/rate-limiter.ts';

const never = new AbortController().signal;

/** A clock that advances only while a caller sleeps. */
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

describe('RateLimiter', () => {
  it('limits the total speed of many callers', async () => {
    const time = clock();
    const rateLimiter = new RateLimiter(1_000_000, time);
    for (let i = 0; i < 200; i += 1) await rateLimiter.take(50_000, never);
    // 10 MB at 1 MB/s.
    expect(time.now()).toBeGreaterThan(9_500);
    expect(time.now()).toBeLessThanOrEqual(10_000);
  });

  it('allows only a short burst after a pause', async () => {
    const time = clock();
    const rateLimiter = new RateLimiter(1_000_000, time);
    time.pass(60_000);
    for (let i = 0; i < 20; i += 1) await rateLimiter.take(50_000, never);
    expect(time.now()).toBeGreaterThanOrEqual(60_000 + 750);
  });

  it('does not limit if no speed is set', async () => {
    const time = clock();
    await new RateLimiter(undefined, time).take(1e12, never);
    expect(time.now()).toBe(0);
  });

  it('limits each download to its own speed, and all of them to the shared one', async () => {
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

  it('rejects when aborted while waiting', async () => {
    const controller = new AbortController();
    const taken = new RateLimiter(1_000).take(1e9, controller.signal);
    controller.abort(new Error('enough'));
    await expect(taken).rejects.toThrow('enough');
  });
});
