import { describe, expect, it } from '@jest/globals';
import { createYielder } from '../../../host/common/yield-to-event-loop.ts';

/** Computes for as long as it takes the clock to advance. */
function compute(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

describe('createYielder', () => {
  it('yields once the computation has blocked the event loop', async () => {
    const pause = createYielder();
    let ran = false;
    setImmediate(() => {
      ran = true;
    });
    for (let step = 0; step < 50 && !ran; step++) {
      compute(5);
      await pause();
    }
    expect(ran).toBe(true);
  });

  it('throws the reason of the aborted signal', async () => {
    const controller = new AbortController();
    const pause = createYielder(controller.signal);
    setImmediate(() => controller.abort(new Error('gone')));
    const computation = (async () => {
      for (let step = 0; step < 50; step++) {
        compute(5);
        await pause();
      }
    })();
    await expect(computation).rejects.toThrow('gone');
  });
});
