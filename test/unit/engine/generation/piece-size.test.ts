import { describe, expect, it } from '@jest/globals';
import { PieceSize } from '../../../../host/engine/runner/generation/piece-size.ts';

/** Returns the sizes after many parts at this many tokens per millisecond. */
function settled(batchSize: number, tokensPerMs: number): PieceSize {
  const pieces = new PieceSize(batchSize);
  for (let i = 0; i < 20; i++) pieces.learn(pieces.tokens('alone'), pieces.tokens('alone') / tokensPerMs);
  return pieces;
}

describe('a part of a prompt', () => {
  it('grows to a batch on a fast machine', () => {
    const pieces = settled(512, 1_000);
    expect(pieces.tokens('alone')).toBe(512);
    expect(pieces.tokens('shared')).toBe(512);
  });

  it('is smaller on a slow computer', () => {
    // 96 tokens in 137 ms; 192 would take more than 250.
    expect(settled(512, 0.7).tokens('alone')).toBe(96);
  });

  it('is smaller still while other generations run', () => {
    // 96 tokens in 80 ms; 192 would take more than 100.
    expect(settled(512, 1.2).tokens('alone')).toBe(192);
    expect(settled(512, 1.2).tokens('shared')).toBe(96);
  });

  it('is never inefficiently small', () => {
    expect(settled(512, 0.01).tokens('alone')).toBe(48);
    expect(settled(512, 0.01).tokens('shared')).toBe(48);
  });

  it('is small at first and grows in steps, because one measurement may be an outlier', () => {
    const pieces = new PieceSize(2048);
    expect(pieces.tokens('alone')).toBe(48);
    pieces.learn(48, 0.001);
    expect(pieces.tokens('alone')).toBe(384);
    pieces.learn(384, 0);
    expect(pieces.tokens('alone')).toBe(2048);
  });

  it('shrinks at once when evaluation becomes slow', () => {
    const pieces = settled(512, 1_000);
    pieces.learn(512, 4_000);
    expect(pieces.tokens('alone')).toBe(48);
  });

  it('never exceeds a small batch', () => {
    expect(new PieceSize(8).tokens('alone')).toBe(8);
    expect(settled(8, 0.001).tokens('shared')).toBe(8);
  });
});
