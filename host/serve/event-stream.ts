import { apiErrorOf } from './api-error.ts';

/** The headers of a stream of server-sent events. */
const HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' };

const encoder = new TextEncoder();

/** Joins a message to the one before it that has not been sent; undefined if they cannot be joined. */
export type Join<T> = (earlier: T, later: T) => T | undefined;

/** Where a request writes the messages of its answer. */
export interface EventSink<T> {
  /** Whether there has been a message. */
  readonly hasStarted: boolean;
  write(message: T): void;
}

/**
 * Answers with a stream of server-sent events. An error before the first message rejects, so that the response has its
 * status; a later one is sent as a message. Messages wait joined while the client does not read, so that it cannot make
 * the server store more than the text of the answer.
 *
 * @param abort Called when the client goes away.
 */
export async function eventStream<T extends object>(
  produce: (sink: EventSink<T>) => Promise<void>,
  { join, abort }: { join: Join<T>; abort: () => void },
): Promise<Response> {
  const waiting: T[] = [];
  const started = Promise.withResolvers<void>();
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let isOpen = true;
  let hasStarted = false;

  const send = (text: string) => {
    if (isOpen) controller?.enqueue(encoder.encode(text));
  };
  const flush = () => {
    if (waiting.length > 0) send(waiting.splice(0).map(framed).join(''));
  };
  const body = new ReadableStream<Uint8Array>({
    start: (own) => {
      controller = own;
    },
    pull: flush,
    cancel: () => {
      isOpen = false;
      abort();
    },
  });
  const write = (message: T) => {
    const last = waiting.at(-1);
    const joined = last === undefined ? undefined : join(last, message);
    if (joined === undefined) waiting.push(message);
    else waiting[waiting.length - 1] = joined;
    if ((controller?.desiredSize ?? 0) > 0) flush();
    hasStarted = true;
    started.resolve();
  };
  const sink = {
    write,
    get hasStarted() {
      return hasStarted;
    },
  };
  const end = (last: string) => {
    flush();
    send(last);
    if (isOpen) controller?.close();
    isOpen = false;
  };
  const done = produce(sink).then(() => end('data: [DONE]\n\n'));
  await Promise.race([started.promise, done]);
  // From here on the status has been sent.
  done.catch((error: unknown) => end(framed(apiErrorOf(error).body)));
  return new Response(body, { headers: HEADERS });
}

function framed(message: object): string {
  return `data: ${JSON.stringify(message)}\n\n`;
}
