import { defined } from '../common/defined.ts';
import { HostError } from '../common/errors.ts';
import { MAX_REPLY_BYTES } from '../protocol/limits.ts';

/**
 * Bytes of a reply reserved for everything besides the page of a list: status, message, action, request id and the other
 * fields of the payload. A request id and an action name have at most 256 characters, up to 6 bytes each when escaped.
 */
const ENVELOPE_BYTES = 16 * 1024;

/** Bytes for the page of a list in a reply. */
export const MAX_PAGE_BYTES = MAX_REPLY_BYTES - ENVELOPE_BYTES;

/** Bytes for a list that a reply contains twice, at its top level and in its payload. */
export const MAX_REPEATED_BYTES = (MAX_REPLY_BYTES - 2 * ENVELOPE_BYTES) / 2;

/** Bytes for each secondary list of a reply: it is for a person to read and must leave space for the main list. */
const MAX_SECONDARY_BYTES = 64 * 1024;

/** Items measured together: measuring them one by one takes half as long again. */
const MEASURED_AT_ONCE = 64;

/** A page of a list. */
export interface Page<T> {
  readonly items: T[];
  /** Where the next page starts; absent on the last. */
  readonly nextCursor?: string;
}

/** The fields of a request that select a page. */
export interface PageRequest {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/**
 * Cuts a page out of a list: from `cursor`, at most `limit` items, and never more than fit in a reply.
 *
 * @param reserved Bytes that the other fields of the payload need beyond {@link ENVELOPE_BYTES}.
 */
export function page<T>(all: readonly T[], request: PageRequest, reserved = 0): Page<T> {
  return pageOf(all, request, (item) => item, reserved);
}

/** Cuts a page out of a list like {@link page}, and converts only the items of the page. */
export function pageOf<S, T>(all: readonly S[], request: PageRequest, convert: (item: S) => T, reserved = 0): Page<T> {
  const start = Number(request.cursor ?? 0);
  const requested = all.slice(start, start + (request.limit ?? all.length));
  const items: T[] = [];
  let remaining = MAX_REPLY_BYTES - ENVELOPE_BYTES - reserved;
  for (let at = 0; at < requested.length && items.length === at; at += MEASURED_AT_ONCE) {
    const group = requested.slice(at, at + MEASURED_AT_ONCE).map(convert);
    const bytes = bytesOf(group);
    if (bytes <= remaining) {
      items.push(...group);
      remaining -= bytes;
      continue;
    }
    for (const item of group) {
      remaining -= bytesOf([item]);
      if (remaining < 0 && items.length > 0) break;
      items.push(item);
    }
  }
  const end = start + items.length;
  return { items, ...defined({ nextCursor: end < all.length && items.length > 0 ? String(end) : undefined }) };
}

/**
 * Cuts a page out of the results of a reply that contains them twice.
 *
 * @throws HostError `REPLY_TOO_LARGE` if a single result does not fit.
 */
export function resultPage<T>(results: readonly T[], request: PageRequest): Page<T> {
  const found = page(results, request, MAX_REPLY_BYTES - ENVELOPE_BYTES - MAX_REPEATED_BYTES);
  const bytes = found.items.length === 1 ? Buffer.byteLength(JSON.stringify(found.items)) : 0;
  if (bytes > MAX_REPEATED_BYTES) {
    throw new HostError(
      'REPLY_TOO_LARGE',
      `A single result is too large for a reply: ${bytes} bytes, but at most ${MAX_REPEATED_BYTES} are allowed. Set \`return_documents\` to false and use \`index\` to find the document.`,
      { details: { bytes, room: MAX_REPEATED_BYTES } },
    );
  }
  return found;
}

/** Returns the items of a secondary list that fit beside the main list of a reply. */
export function fitWithinBytes<T>(all: readonly T[]): T[] {
  let remaining = MAX_SECONDARY_BYTES;
  return all.filter((item) => {
    remaining -= Buffer.byteLength(JSON.stringify(item)) + 1;
    return remaining >= 0;
  });
}

/** The size of these items in a list, each with the comma after it, bytes. */
function bytesOf(items: readonly unknown[]): number {
  return Buffer.byteLength(JSON.stringify(items)) - 1;
}
