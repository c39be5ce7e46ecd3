import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import { isJsonObject, type JsonObject } from '../common/json.ts';
import { parseJsonObject } from '../common/json-limits.ts';

/**
 * Time limit for each message of the other side, in milliseconds. A message usually takes about one, and longer on a
 * busy computer.
 */
const TIMEOUT_MS = 2_000;

/** Maximum size in bytes of a message from a side that has not proven yet that it knows the secret. */
const MAX_HELLO_BYTES = 4 * 1024;

/** Maximum size of the host's answer in bytes. It describes a model, with its settings and chat template. */
const MAX_ANSWER_BYTES = 1024 * 1024;

const NEWLINE = 10;

/**
 * Performs the caller's side of the handshake. Two hosts of a user prove to each other that they know a secret, without
 * sending it: a program that listens in place of a host learns nothing, and a program that connects without the secret
 * gets nothing. With its proof, the caller sends its request.
 *
 * The four messages are lines of JSON. Each side reads only the next message that it expects.
 *
 * @param request The purpose of the connection.
 * @returns The host's answer to the request.
 * @throws Error if the other side does not know the secret, does not respond in time, or closes the connection.
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
 * Performs the host's side of the handshake. Returns the caller's request, which must be answered with
 * {@link answerCaller}. Throws the same errors as {@link handshakeAsCaller}.
 */
export async function handshakeAsHost(socket: Socket, secret: string): Promise<JsonObject> {
  const other = textOf((await readLine(socket, MAX_HELLO_BYTES)).nonce);
  const own = nonce();
  send(socket, { nonce: own, proof: proofOf(secret, 'host', other, own) });
  const { proof, request } = await readLine(socket, MAX_HELLO_BYTES);
  assertProof(proof, proofOf(secret, 'caller', other, own));
  if (!isJsonObject(request)) throw new Error('The caller did not send a request');
  return request;
}

/** Sends the answer to a caller's request. */
export function answerCaller(socket: Socket, answer: object): void {
  send(socket, answer);
}

function nonce(): string {
  return randomBytes(32).toString('hex');
}

/**
 * Returns the proof of one side. The proofs of the two sides differ, so neither side can send back the other's proof.
 */
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

/** Reads one line and parses it. Leaves the bytes after it in the socket. */
async function readLine(socket: Socket, maxBytes: number): Promise<JsonObject> {
  const line = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  const onReadable = () => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
      const end = (chunk as Buffer).indexOf(NEWLINE);
      bytes += chunk.length;
      if (bytes > maxBytes) {
        line.reject(new Error('The message of the other side is too long'));
        return;
      }
      chunks.push(end < 0 ? chunk : chunk.subarray(0, end));
      if (end < 0) continue;
      // The listener is removed before the rest is put back, because that emits the event again.
      socket.off('readable', onReadable);
      if (end + 1 < chunk.length) socket.unshift(chunk.subarray(end + 1));
      line.resolve(Buffer.concat(chunks));
      return;
    }
  };
  const onEnd = () => line.reject(new Error('The other side closed the connection'));
  const timer = setTimeout(() => line.reject(new Error('The other side did not respond in time')), TIMEOUT_MS);
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
