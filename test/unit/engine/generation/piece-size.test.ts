import { describe, expect, it } from '@jest/globals';
import { PieceSize } from '../../../../host/engine/runner/generation/piece-size.ts';

/** Returns the size after many parts at this many tokens per millisecond. */
function settled(batchSize: number, tokensPerMs: number): number {
  const pieces = new PieceSize(batchSize);
  for (let i = 0; i < 20; i++) pieces.learn(pieces.tokens, pieces.tokens / tokensPerMs);
  return pieces.tokens;
}

describe('a part of a prompt', () => {
  it('grows to a batch on a fast machine', () => {
    expect(settled(512, 1_000)).toBe(512);
  });
  it('is smaller on a slow computer, to reduce the delay of other requests', () => {
    // 64 tokens in 1,280 ms; 128 would take more than 1,500.
    expect(settled(512, 0.05)).toBe(64);
  });
  it('is never inefficiently small', () => {
    expect(settled(512, 0.01)).toBe(32);
  });
  it('is small at first, and grows in steps, since one measurement may be an outlier', () => {
    const pieces = new PieceSize(2048);
    expect(pieces.tokens).toBe(32);
    pieces.learn(32, 0.001);
    expect(pieces.tokens).toBe(256);
  });
  it('never exceeds a small batch', () => {
    expect(new PieceSize(8).tokens).toBe(8);
    expect(settled(8, 0.001)).toBe(8);
  });
});
