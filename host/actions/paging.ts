import { MAX_REPLY_BYTES } from '../protocol/limits.ts';

/**
 * Bytes of a frame kept for what stands around a page of a list: status, message, action, request id, the payload's
 * other fields. A request id and an action name have at most 256 characters each, 6 bytes a character when escaped.
 */
export const ENVELOPE_BYTES = 16 * 1024;

/** Entries measured together: one by one takes half as long again. */
const MEASURED_AT_ONCE = 64;

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
  const asked = all.slice(start, start + (request.limit ?? all.length));
  const items: T[] = [];
  let room = MAX_REPLY_BYTES - ENVELOPE_BYTES - aside;
  for (let at = 0; at < asked.length && items.length === at; at += MEASURED_AT_ONCE) {
    const some = asked.slice(at, at + MEASURED_AT_ONCE).map(show);
    const bytes = bytesOf(some);
    if (bytes <= room) {
      items.push(...some);
      room -= bytes;
      continue;
    }
    for (const item of some) {
      room -= bytesOf([item]);
      if (room < 0 && items.length > 0) break;
      items.push(item);
    }
  }
  const end = start + items.length;
  return end < all.length && items.length > 0 ? { items, nextCursor: String(end) } : { items };
}

/** Bytes of these entries in a list, each with the comma behind it. */
function bytesOf(items: readonly unknown[]): number {
  return Buffer.byteLength(JSON.stringify(items)) - 1;
}
