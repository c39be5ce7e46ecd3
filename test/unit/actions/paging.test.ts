import { describe, expect, it } from '@jest/globals';
import { page } from '../../../host/actions/paging.ts';
import { MAX_REPLY_BYTES } from '../../../host/protocol/limits.ts';

const hundred = Array.from({ length: 100 }, (_, i) => ({ i }));

describe('page', () => {
  it('returns a short list whole, without a cursor', () => {
    expect(page(hundred, {})).toEqual({ items: hundred });
  });

  it('returns every item once when its cursors are followed', () => {
    const seen: unknown[] = [];
    let cursor: string | undefined;
    do {
      const { items, nextCursor } = page(hundred, { limit: 7, cursor });
      seen.push(...items);
      cursor = nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(hundred);
  });

  it('never exceeds the size of a reply, and loses nothing', () => {
    const large = Array.from({ length: 50 }, (_, i) => ({ i, text: 'é'.repeat(30_000) }));
    const seen: unknown[] = [];
    let cursor: string | undefined;
    do {
      const { items, nextCursor } = page(large, { cursor });
      expect(Buffer.byteLength(JSON.stringify(items))).toBeLessThan(MAX_REPLY_BYTES);
      seen.push(...items);
      cursor = nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(large);
  });

  it('returns an empty last page for a cursor past the end', () => {
    expect(page(hundred, { cursor: '500' })).toEqual({ items: [] });
  });
});
