import type { IncomingMessage } from 'node:http';
import { isHostError } from '../common/errors.ts';
import { readChunk } from './chunk.ts';
import type { Connection } from './connection.ts';
import { Deadline } from './deadline.ts';
import { cutOff, failedMidway, nonsense, silent, withheld } from './engine-faults.ts';
import { EventStreamFault, readEvents } from './event-stream.ts';
import { codeOf } from './http.ts';
import { readSaid } from './refusals.ts';
import type { RemoteOutput } from './remote-output.ts';
import type { generationRequest } from './request-body.ts';

/**
 * One try of a generation: everything that comes goes to `output`; resolves with why it ended.
 *
 * @throws HostError `REMOTE_CUT`, `REMOTE_UNREACHABLE`, `REMOTE_ERROR`, `GENERATION_FAILED`, and what a refusal means;
 * the signal's reason when aborted.
 */
export async function streamGeneration(
  connection: Connection,
  request: ReturnType<typeof generationRequest>,
  output: RemoteOutput,
  signal: AbortSignal,
): Promise<'stop' | 'length'> {
  const { name } = connection;
  const { connectTimeoutMs, endpoint } = connection.options;
  const { firstTextMs, idleMs } = endpoint;
  const patience = new Deadline(signal);
  patience.allow(connectTimeoutMs, () => silent(name, connectTimeoutMs));
  const onConnected = () => patience.allow(firstTextMs, () => silent(name, firstTextMs));
  let answer: IncomingMessage | undefined;
  try {
    answer = await connection.send({ ...request, accept: 'text/event-stream', onConnected }, patience);
    const type = answer.headers['content-type'] ?? '';
    if (!/^text\/event-stream\b/i.test(type)) throw nonsense(name, 'a stream of events');
    return await read(answer, connection, output, () => {
      // Until there is text, an engine may be reading the prompt, and say so by comments.
      if (output.pieces === 0) return;
      patience.allow(idleMs, () => cutOff(name, output.pieces, `nothing came for ${idleMs / 1000} seconds`));
    });
  } catch (error) {
    patience.signal.throwIfAborted();
    if (isHostError(error)) throw error;
    if (error instanceof EventStreamFault) throw nonsense(name, 'events of a generation', error.message);
    throw cutOff(name, output.pieces, `the connection was cut (${codeOf(error)})`);
  } finally {
    patience.end();
    answer?.destroy();
  }
}

async function read(
  answer: IncomingMessage,
  { name, options }: Connection,
  output: RemoteOutput,
  onHeard: () => void,
): Promise<'stop' | 'length'> {
  let finish: string | undefined;
  for await (const data of readEvents(answer as AsyncIterable<Buffer>, onHeard)) {
    if (data === '[DONE]') return ended(name, finish ?? 'stop');
    const chunk = readChunk(data);
    if (chunk === undefined) throw nonsense(name, 'events of a generation');
    if (chunk.isFault) throw failedMidway(name, readSaid(data, options.key));
    output.push(chunk);
    // From its first text on, another patience holds.
    onHeard();
    finish = chunk.finishReason ?? finish;
    if (output.isFull) return 'length';
  }
  // Some engines end without a last word; without a reason to end, an end is a cut.
  if (finish !== undefined) return ended(name, finish);
  throw cutOff(name, output.pieces, 'the connection ended');
}

function ended(name: string, reason: string): 'stop' | 'length' {
  if (reason === 'content_filter') throw withheld(name);
  return reason === 'length' ? 'length' : 'stop';
}
