import { createYielder } from '../common/yield-to-event-loop.ts';

/** Maximum length of an event, in UTF-16 code units. The event of a token has about 300. */
const MAX_EVENT_LENGTH = 1024 * 1024;

/** The response is not a valid event stream. */
export class EventStreamError extends Error {
  override readonly name = 'EventStreamError';
}

/**
 * Yields the data of each event of a server-sent event stream. Ignores comments, names and ids. Drops an incomplete
 * event at the end of the stream.
 *
 * Source: the HTML standard, 9.2.6 (three kinds of line endings, one space after the colon, data on several lines).
 *
 * @param onPiece Called with the size of every received piece, in bytes; may throw to end the stream.
 * @throws EventStreamError for an event that is too long; errors of `pieces`.
 */
export async function* readEvents(
  pieces: AsyncIterable<Uint8Array>,
  onPiece: (bytes: number) => void,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  let length = 0;
  const yieldIfLong = createYielder();
  for await (const piece of pieces) {
    onPiece(piece.length);
    // Node.js reads up to 2 MiB of a fast connection in a row; pieces of empty lines take longest.
    await yieldIfLong();
    const text = decoder.decode(piece, { stream: true });
    rest += text;
    if (length + rest.length > MAX_EVENT_LENGTH) throw tooLong();
    // A long line is processed when it is complete, not with each of its pieces.
    if (!/[\r\n]/.test(text)) continue;
    // A carriage return at the end may be the first half of a CRLF.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield data.join('\n');
        data = [];
        length = 0;
      } else if (line.startsWith('data:')) {
        data.push(line.slice(line[5] === ' ' ? 6 : 5));
        // Counts the whole line, because empty data lines use memory as well.
        length += line.length;
        if (length > MAX_EVENT_LENGTH) throw tooLong();
      }
    }
  }
  if (rest === '\r' && data.length > 0) yield data.join('\n');
}

function tooLong(): EventStreamError {
  return new EventStreamError(`an event of more than ${MAX_EVENT_LENGTH} characters`);
}
