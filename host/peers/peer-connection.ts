import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { HostError } from '../common/errors.ts';
import type { JsonObject } from '../common/json.ts';
import { encodeFrame } from '../messaging/frame.ts';
import { MessageInput } from '../messaging/message-input.ts';
import type { PeerAccess } from '../presence/announcement.ts';
import { ERROR_CODES, type ErrorCode } from '../protocol/errors.ts';
import { handshakeAsCaller } from './handshake.ts';
import { MAX_PEER_BYTES, type PeerAction } from './peer-protocol.ts';

/** Time limit for connecting, in milliseconds. */
const CONNECT_TIMEOUT_MS = 2_000;

/**
 * Time limit in milliseconds for another host to end a stopped generation. It is a little longer than that host waits
 * before it kills the model's process.
 */
const STOP_TIMEOUT_MS = 4_000;

/** A request that has not been answered yet. */
interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  readonly onEvent: ((payload: unknown) => void) | undefined;
}

/** A connection to another host of the user, which either uses one of its models or has it load one. */
export class PeerConnection {
  /** Resolves when the connection has ended. Never rejects. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #pending = new Map<number, Pending>();
  /** Returns the error with which requests fail once the connection has ended. */
  readonly #ended: () => HostError;
  #nextId = 1;
  #isClosed = false;

  private constructor(socket: Socket, ended: () => HostError) {
    this.#socket = socket;
    this.#ended = ended;
    const closed = Promise.withResolvers<void>();
    this.closed = closed.promise;
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#isClosed = true;
      for (const { reject } of this.#pending.values()) reject(this.#ended());
      this.#pending.clear();
      closed.resolve();
    });
    new MessageInput(socket, {
      canAccept: () => true,
      onMessage: (message) => (message instanceof HostError ? socket.destroy() : this.#receive(message)),
      onEnd: () => socket.destroy(),
    });
  }

  /**
   * Connects to a host.
   *
   * @param purpose The request of the handshake: to use a model, or to load models.
   * @param ended Returns the error with which requests fail once the connection has ended.
   * @returns The connection, and the answer of the handshake.
   * @throws Error if no host listens at the address, or a program other than the announced host does.
   */
  static async open({ address, secret }: PeerAccess, purpose: JsonObject, ended: () => HostError) {
    const socket = connect(address);
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS) });
      const answer = await handshakeAsCaller(socket, secret, purpose);
      return { connection: new PeerConnection(socket, ended), answer };
    } catch (error) {
      socket.on('error', () => {});
      socket.destroy();
      throw error;
    }
  }

  /**
   * Sends a request.
   *
   * @param options.signal When aborted, the other host cancels the request, and the signal's reason is thrown.
   * @param options.stop When aborted, the other host ends the generation with the text so far.
   * @throws HostError The error in the other host's reply.
   */
  async request<T>(
    action: PeerAction,
    fields: { request?: unknown; target?: number | undefined },
    options: { signal?: AbortSignal; stop?: AbortSignal; onEvent?: (payload: unknown) => void } = {},
  ): Promise<T> {
    const { signal, stop, onEvent } = options;
    signal?.throwIfAborted();
    if (this.#isClosed) throw this.#ended();
    const requestId = this.#nextId;
    this.#nextId += 1;
    const answer = Promise.withResolvers<unknown>();
    this.#pending.set(requestId, { resolve: answer.resolve, reject: answer.reject, onEvent });
    const onAbort = () => {
      answer.reject(signal?.reason);
      this.#send({ action: 'CANCEL', requestId: this.#nextId++, target: requestId });
    };
    let stopTimer: NodeJS.Timeout | undefined;
    const onStop = () => {
      this.#send({ action: 'STOP', requestId: this.#nextId++, target: requestId });
      // If the other host does not respond, it may be suspended.
      stopTimer = setTimeout(() => this.close(), STOP_TIMEOUT_MS);
    };
    try {
      this.#send({ action, requestId, ...fields });
      signal?.addEventListener('abort', onAbort, { once: true });
      if (stop?.aborted === true) onStop();
      stop?.addEventListener('abort', onStop, { once: true });
      // The cast is safe: the other host has the same version and replies with the result of its engine.
      return (await answer.promise) as T;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      stop?.removeEventListener('abort', onStop);
      clearTimeout(stopTimer);
      this.#pending.delete(requestId);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(message: object): void {
    if (!this.#isClosed) this.#socket.write(encodeFrame(message, MAX_PEER_BYTES));
  }

  #receive({ requestId, type, payload, status, code, message, details, value }: JsonObject): void {
    const pending = typeof requestId === 'number' ? this.#pending.get(requestId) : undefined;
    if (pending === undefined) return;
    if (type !== undefined) pending.onEvent?.(payload);
    else if (status === 'error')
      pending.reject(new HostError(codeOf(code), String(message), { details: details as JsonObject }));
    else pending.resolve(value);
  }
}

function codeOf(code: unknown): ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'INTERNAL_ERROR';
}
