import { HostError } from '../common/errors.ts';
import { MAX_REPLY_BYTES } from '../protocol/limits.ts';
import { ENVELOPE_BYTES, page } from './paging.ts';

/** Bytes for a list that a reply says twice, at its top and in its payload. */
export const TWICE_ROOM_BYTES = (MAX_REPLY_BYTES - 2 * ENVELOPE_BYTES) / 2;

/**
 * A page of results for a reply that says them twice.
 *
 * @throws HostError `REPLY_TOO_LARGE` where not even one result fits, with what to ask for instead.
 */
export function resultPage<T>(
  results: readonly T[],
  request: { limit?: number | undefined; cursor?: string | undefined },
): { items: T[]; nextCursor?: string } {
  const found = page(results, request, MAX_REPLY_BYTES - ENVELOPE_BYTES - TWICE_ROOM_BYTES);
  const bytes = found.items.length === 1 ? Buffer.byteLength(JSON.stringify(found.items)) : 0;
  if (bytes > TWICE_ROOM_BYTES) {
    throw new HostError(
      'REPLY_TOO_LARGE',
      `A single result is too large for a reply: ${bytes} bytes, but at most ${TWICE_ROOM_BYTES} are allowed. Set \`return_documents\` to false and use \`index\` to find the document.`,
      { details: { bytes, room: TWICE_ROOM_BYTES } },
    );
  }
  return found;
}
