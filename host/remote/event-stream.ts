/** Longest event taken, in UTF-16 code units. A token's event has some 300. */
const MAX_EVENT_LENGTH = 1024 * 1024;

/** The response was no stream of events. */
export class EventStreamError extends Error {
  override readonly name = 'EventStreamError';
}

/**
 * Reads the data of a stream of server-sent events, one event after the other. Comments, names and ids are passed over;
 * an event without its empty line at the end of the stream is dropped.
 *
 * Source: the HTML standard, 9.2.6 (line ends of three kinds, one space after the colon, data of several lines).
 *
 * @param onPiece Called with the size of every piece that arrives, bytes, whatever it contains; may throw to end the
 * stream.
 * @throws EventStreamError for an event without end; what `pieces` throws.
 */
export async function* readEvents(
  pieces: AsyncIterable<Uint8Array>,
  onPiece: (bytes: number) => void,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  let length = 0;
  for await (const piece of pieces) {
    onPiece(piece.length);
    const text = decoder.decode(piece, { stream: true });
    rest += text;
    if (length + rest.length > MAX_EVENT_LENGTH) throw tooLong();
    // A long line is looked through when it is whole, not with every piece of it.
    if (!/[\r\n]/.test(text)) continue;
    // A carriage return at the end may be the first half of a line end.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield data.join('\n');
        data = [];
        length = 0;
      } else if (line.startsWith('data:')) {
        data.push(line.slice(line[5] === ' ' ? 6 : 5));
        // The whole line counts: empty ones take memory too.
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
