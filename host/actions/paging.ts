import { MAX_REPLY_BYTES } from '../protocol/limits.ts';

/**
 * Bytes of a frame kept for what stands around a page of a list: status, message, action, request id, the payload's
 * other fields. A request id and an action name have at most 256 characters each, 6 bytes a character when escaped.
 */
export const ENVELOPE_BYTES = 16 * 1024;

/** One page of a list. */
export interface Page<T> {
  readonly items: T[];
  /** Where the next page begins; absent on the last. */
  readonly nextCursor?: string;
}

/**
 * Cuts a page out of a list: from `cursor`, at most `limit` entries, and never more than fit one frame, so that a
 * client that asks for everything gets the most there can be and a cursor for the rest.
 *
 * @param aside Bytes that the payload's other fields take beyond what is kept for them.
 */
export function page<T>(
  all: readonly T[],
  request: { limit?: number | undefined; cursor?: string | undefined },
  aside = 0,
): Page<T> {
  return pageOf(all, request, (item) => item, aside);
}

/** As {@link page}, of a list whose entries are made of what is shown alone. */
export function pageOf<S, T>(
  all: readonly S[],
  request: { limit?: number | undefined; cursor?: string | undefined },
  show: (item: S) => T,
  aside = 0,
): Page<T> {
  const start = Number(request.cursor ?? 0);
  const items: T[] = [];
  let room = MAX_REPLY_BYTES - ENVELOPE_BYTES - aside;
  for (const source of all.slice(start, start + (request.limit ?? all.length))) {
    const item = show(source);
    room -= Buffer.byteLength(JSON.stringify(item)) + 1;
    if (room < 0 && items.length > 0) break;
    items.push(item);
  }
  const end = start + items.length;
  return end < all.length && items.length > 0 ? { items, nextCursor: String(end) } : { items };
}
