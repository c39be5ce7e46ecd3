import { describe, expect, it } from '@jest/globals';
import { type BatchItem, BatchOrder } from '../../../../host/engine/runner/generation/batch-order.ts';

/** The next token of a generation. */
const NEXT: BatchItem = { tokens: [1], logits: [true] };

/** Returns a part of a prompt. The last part ends with the token whose logits are needed. */
function piece(length: number, isLast = false): BatchItem {
  const tokens = Array.from({ length }, () => 1);
  return { tokens, logits: tokens.map((_, index) => (isLast && index === length - 1 ? true : undefined)) };
}

function itemsOf(order: BatchOrder, items: readonly BatchItem[]): BatchItem[] {
  return order.plan(items).map(({ item }) => item);
}

describe('BatchOrder', () => {
  it('waits for all running generations, but not indefinitely', () => {
    const order = new BatchOrder();
    const ends = [order.generating(), order.generating()];
    expect(itemsOf(order, [NEXT])).toEqual([]);
    expect(itemsOf(order, [NEXT, { ...NEXT }])).toHaveLength(2);
    let looks = 0;
    while (itemsOf(order, [NEXT]).length === 0 && looks < 1_000) looks += 1;
    expect(looks).toBeLessThan(1_000);
    ends[0]?.();
    expect(itemsOf(order, [NEXT])).toEqual([NEXT]);
  });

  it('evaluates whole items', () => {
    expect(new BatchOrder().plan([piece(40)])).toEqual([{ item: piece(40), processAmount: 40 }]);
  });

  it('evaluates the end of a short prompt before parts of longer ones, which it skips only once', () => {
    const order = new BatchOrder();
    const [long, quick, other] = [piece(512), piece(20, true), piece(10, true)];
    expect(itemsOf(order, [long, NEXT, quick])).toEqual([NEXT, quick]);
    expect(itemsOf(order, [long, other])).toEqual([other, long]);
    expect(itemsOf(order, [long, other])).toEqual([other]);
  });

  it('evaluates parts of several long prompts together', () => {
    expect(itemsOf(new BatchOrder(), [piece(256), piece(128)])).toEqual([piece(128), piece(256)]);
  });
});
