import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import { isJsonObject, type JsonObject } from '../common/json.ts';
import { parseJsonObject } from '../common/json-limits.ts';

/** How long the other side may take for each message, milliseconds: it takes about one, and more on a busy computer. */
const TIMEOUT_MS = 2_000;

/** Longest message before the other side has proven that it knows the secret, bytes. */
const MAX_HELLO_BYTES = 4 * 1024;

/** Longest answer after that, bytes: the description of a model, its settings and a chat template. */
const MAX_ANSWER_BYTES = 1024 * 1024;

const NEWLINE = 10;

/**
 * The caller's side of the handshake. Two hosts of a user prove to each other that they know a secret, without sending it:
 * a program that listens in place of a host learns nothing, and one that connects gets nothing. Then the caller sends its
 * request.
 *
 * The four messages are lines of JSON. Each side reads only the message that it expects next.
 *
 * @param request What the connection is for.
 * @returns the host's answer to the request.
 * @throws Error if the other side does not know the secret, does not answer in time, or ends the connection.
 */
export async function handshakeAsCaller(socket: Socket, secret: string, request: JsonObject): Promise<JsonObject> {
  const own = nonce();
  send(socket, { nonce: own });
  const hello = await readLine(socket, MAX_HELLO_BYTES);
  const other = textOf(hello.nonce);
  assertProof(hello.proof, proofOf(secret, 'host', own, other));
  send(socket, { proof: proofOf(secret, 'caller', own, other), request });
  return readLine(socket, MAX_ANSWER_BYTES);
}

/**
 * The host's side of the handshake. Returns the caller's request, which {@link answerCaller} answers. Throws as
 * {@link handshakeAsCaller}.
 */
export async function handshakeAsHost(socket: Socket, secret: string): Promise<JsonObject> {
  const other = textOf((await readLine(socket, MAX_HELLO_BYTES)).nonce);
  const own = nonce();
  send(socket, { nonce: own, proof: proofOf(secret, 'host', other, own) });
  const { proof, request } = await readLine(socket, MAX_HELLO_BYTES);
  assertProof(proof, proofOf(secret, 'caller', other, own));
  if (!isJsonObject(request)) throw new Error('The caller sent no request');
  return request;
}

/** Sends the answer to a caller's request. */
export function answerCaller(socket: Socket, answer: object): void {
  send(socket, answer);
}

function nonce(): string {
  return randomBytes(32).toString('hex');
}

/** Returns the proof of one side. The sides have different proofs, so neither side can send back the other's. */
function proofOf(secret: string, side: 'host' | 'caller', callers: string, hosts: string): string {
  return createHmac('sha256', secret).update(`${side}\n${callers}\n${hosts}`).digest('hex');
}

function assertProof(found: unknown, expected: string): void {
  const [a, b] = [Buffer.from(textOf(found)), Buffer.from(expected)];
  if (a.length === b.length && timingSafeEqual(a, b)) return;
  throw new Error('The other side does not know the secret');
}

function textOf(value: unknown): string {
  if (typeof value === 'string' && value.length <= 128) return value;
  throw new Error('The other side is not a host');
}

function send(socket: Socket, message: object): void {
  socket.write(`${JSON.stringify(message)}\n`);
}

/** Reads one line, and leaves what follows it in the socket. */
async function readLine(socket: Socket, most: number): Promise<JsonObject> {
  const line = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  const onReadable = () => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
      const end = (chunk as Buffer).indexOf(NEWLINE);
      bytes += chunk.length;
      if (bytes > most) {
        line.reject(new Error('The other side sent too much'));
        return;
      }
      chunks.push(end < 0 ? chunk : chunk.subarray(0, end));
      if (end < 0) continue;
      // Before the rest is put back, since that emits the event again.
      socket.off('readable', onReadable);
      if (end + 1 < chunk.length) socket.unshift(chunk.subarray(end + 1));
      line.resolve(Buffer.concat(chunks));
      return;
    }
  };
  const onEnd = () => line.reject(new Error('The other side ended the connection'));
  const timer = setTimeout(() => line.reject(new Error('The other side did not answer in time')), TIMEOUT_MS);
  socket.on('readable', onReadable).on('end', onEnd).on('close', onEnd).on('error', line.reject);
  try {
    onReadable();
    const message = parseJsonObject(await line.promise);
    if (message === undefined) throw new Error('The other side is not a host');
    return message;
  } finally {
    clearTimeout(timer);
    socket.off('readable', onReadable).off('end', onEnd).off('close', onEnd).off('error', line.reject);
  }
}
