import { describe, expect, it } from '@jest/globals';
import { FreeCores } from '../../../host/engine/runner/threads/thread-count.ts';

describe('threads by free cores', () => {
  it('are what is free, whatever evaluations take', () => {
    const count = new FreeCores(3);
    count.took();
    expect(count.threads).toBe(3);
    count.suggest(2);
    expect(count.threads).toBe(2);
  });
});
