import type { IncomingMessage } from 'node:http';
import { isHostError } from '../common/errors.ts';
import { readChunk } from './chunk.ts';
import type { Connection } from './connection.ts';
import { Deadline } from './deadline.ts';
import {
  contentFiltered,
  generationFailed,
  interrupted,
  noResponse,
  readReportedError,
  unexpectedResponse,
} from './error-responses.ts';
import { EventStreamError, readEvents } from './event-stream.ts';
import { codeOf } from './http.ts';
import { RemoteCallError } from './remote-calls.ts';
import type { RemoteOutput } from './remote-output.ts';
import type { generationRequest } from './request-body.ts';

/**
 * Maximum number of consecutive bytes without text: comments, empty lines, events without text. A keep-alive comment
 * every second amounts to 2 MB per day, and the events of 50,000 hidden tokens to 15 MB.
 */
const MAX_BYTES_WITHOUT_TEXT = 32 * 1024 * 1024;

/**
 * Performs one attempt of a generation and adds the received text to `output`. Resolves with the finish reason.
 *
 * @throws HostError `REMOTE_CUT`, `REMOTE_UNREACHABLE`, `REMOTE_ERROR`, `GENERATION_FAILED`, and as {@link
 * Connection.send}; the signal's reason when aborted.
 */
export async function streamGeneration(
  connection: Connection,
  request: Omit<ReturnType<typeof generationRequest>, 'ignored'>,
  output: RemoteOutput,
  signal: AbortSignal,
): Promise<'stop' | 'length'> {
  const { name } = connection;
  const { connectTimeoutMs, endpoint } = connection.options;
  const { firstTextMs, idleMs } = endpoint;
  const deadline = new Deadline(signal);
  deadline.allow(connectTimeoutMs, () => noResponse(name, connectTimeoutMs));
  const onConnected = () => deadline.allow(firstTextMs, () => noResponse(name, firstTextMs));
  let answer: IncomingMessage | undefined;
  try {
    answer = await connection.send({ ...request, accept: 'text/event-stream', onConnected }, deadline);
    const type = answer.headers['content-type'] ?? '';
    if (!/^text\/event-stream\b/i.test(type)) throw unexpectedResponse(name, 'a stream of events');
    return await read(answer, connection, output, () => {
      // Before the first text or reasoning, the engine may send comments while it processes the prompt.
      if (output.pieces === 0) return;
      deadline.allow(idleMs, () =>
        interrupted(name, output.pieces, `no data was received for ${idleMs / 1000} seconds`),
      );
    });
  } catch (error) {
    deadline.signal.throwIfAborted();
    if (isHostError(error)) throw error;
    if (error instanceof RemoteCallError) throw unexpectedResponse(name, 'valid tool calls', error.message);
    if (error instanceof EventStreamError) throw unexpectedResponse(name, 'events of a generation', error.message);
    throw interrupted(name, output.pieces, `the connection was interrupted (${codeOf(error)})`);
  } finally {
    deadline.end();
    answer?.destroy();
  }
}

async function read(
  answer: IncomingMessage,
  { name, options }: Connection,
  output: RemoteOutput,
  onActivity: () => void,
): Promise<'stop' | 'length'> {
  let finish: string | undefined;
  let bytesWithoutText = 0;
  const onPiece = (bytes: number) => {
    bytesWithoutText += bytes;
    if (bytesWithoutText > MAX_BYTES_WITHOUT_TEXT) {
      throw unexpectedResponse(name, 'a generation', `${MAX_BYTES_WITHOUT_TEXT} bytes without any text`);
    }
    onActivity();
  };
  for await (const data of readEvents(answer as AsyncIterable<Buffer>, onPiece)) {
    if (data === '[DONE]') return ended(name, finish ?? 'stop', output);
    const chunk = readChunk(data);
    if (chunk === undefined) throw unexpectedResponse(name, 'events of a generation');
    if (chunk.isError) throw generationFailed(name, readReportedError(data, options.key));
    if (chunk.text !== '' || chunk.calls.length > 0) bytesWithoutText = 0;
    output.push(chunk);
    // After the first text, the idle limit applies.
    onActivity();
    finish = chunk.finishReason ?? finish;
    if (output.isFull) return 'length';
  }
  // Some engines close the connection without `[DONE]`; without a finish reason, that is an interruption.
  if (finish !== undefined) return ended(name, finish, output);
  throw interrupted(name, output.pieces, 'the connection was closed');
}

function ended(name: string, reason: string, output: RemoteOutput): 'stop' | 'length' {
  if (reason === 'content_filter') throw contentFiltered(name);
  if (reason === 'length') return 'length';
  output.complete();
  return 'stop';
}
