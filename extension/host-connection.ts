import type { ActionName } from '../host/protocol/actions/requests.ts';
import type { ErrorCode } from '../host/protocol/errors.ts';
import type { HostEvent, PayloadOf, Reply, RequestOf } from '../host/protocol/messages.ts';

/** What the extension needs of the browser's native port (`runtime.Port` in Chrome and Firefox alike). */
export interface NativePort {
  postMessage(message: object): void;
  disconnect(): void;
  readonly onMessage: { addListener(listener: (message: unknown) => void): void };
  readonly onDisconnect: { addListener(listener: () => void): void };
}

/** Why a request has no success reply: the host's own code, or that there is no host to answer. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code: ErrorCode | 'HOST_DISCONNECTED';
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: RequestError['code'], message: string, details?: Readonly<Record<string, unknown>>) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** What a connection is made with. */
export interface ConnectionOptions {
  /** Opens the port: `() => chrome.runtime.connectNative('com.tabagent.host')`. */
  readonly connect: () => NativePort;
  /** What the browser says of the last disconnect: `chrome.runtime.lastError?.message`, `port.error?.message`. */
  readonly reasonOf: (port: NativePort) => string | undefined;
  /** Hears every event of the host. */
  readonly onEvent: (event: HostEvent) => void;
  /** Hears when the port was lost. The next request opens a new one. */
  readonly onDisconnect?: (reason: string | undefined) => void;
}

/** A request on its way: its id, which the host's events of it carry, and what will come of it. */
export interface SentRequest<A extends ActionName> {
  readonly requestId: string;
  /** Rejects with a {@link RequestError}. */
  readonly payload: Promise<PayloadOf<A>>;
}

interface Pending {
  resolve(reply: Reply): void;
  reject(error: RequestError): void;
}

/**
 * The extension's end of the native port: opened with the first request, one for the whole extension. Every request
 * gets an id, and its reply, whatever the order they come in; a port that goes away is the answer to all that was asked
 * over it. Nothing of the host's state is kept here: whoever comes back asks the host anew.
 */
export class HostConnection {
  readonly #options: ConnectionOptions;
  readonly #pending = new Map<string, Pending>();
  #port: NativePort | undefined;
  #nextId = 1;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Asks the host. Rejects with a {@link RequestError}. */
  async request<A extends ActionName>(action: A, fields: Partial<RequestOf<A>> = {}): Promise<PayloadOf<A>> {
    return this.send(action, fields).payload;
  }

  /** As {@link request}, for who must know the request's id before its reply: to tell its events, or to stop it. */
  send<A extends ActionName>(action: A, fields: Partial<RequestOf<A>> = {}): SentRequest<A> {
    const requestId = `${action}/${this.#nextId++}`;
    return { requestId, payload: this.#ask(requestId, action, fields) };
  }

  /** Closes the port. The host gives up what it was doing for it, and loses nothing. */
  close(): void {
    const port = this.#port;
    port?.disconnect();
    if (port !== undefined) this.#lost(port, 'The connection was closed.');
  }

  async #ask<A extends ActionName>(requestId: string, action: A, fields: Partial<RequestOf<A>>): Promise<PayloadOf<A>> {
    const reply = await new Promise<Reply>((resolve, reject) => {
      this.#pending.set(requestId, { resolve, reject });
      try {
        this.#open().postMessage({ ...fields, action, requestId });
      } catch (error) {
        // A port that is just closing, or a message larger than the browser takes.
        this.#pending.delete(requestId);
        reject(new RequestError('HOST_DISCONNECTED', error instanceof Error ? error.message : String(error)));
      }
    });
    if (reply.status === 'error') throw new RequestError(reply.code, reply.message, reply.details);
    // The host answers an action with that action's payload: the contract both sides import.
    return reply.payload as PayloadOf<A>;
  }

  #open(): NativePort {
    if (this.#port !== undefined) return this.#port;
    const port = this.#options.connect();
    this.#port = port;
    port.onMessage.addListener((message) => this.#receive(message));
    port.onDisconnect.addListener(() => this.#lost(port, this.#options.reasonOf(port)));
    return port;
  }

  #receive(message: unknown): void {
    // Only the host the user installed writes to this port; its replies and events are told apart by their shape.
    const told = message as Reply | HostEvent;
    if ('status' in told) {
      const pending = this.#pending.get(String(told.requestId));
      this.#pending.delete(String(told.requestId));
      pending?.resolve(told);
    } else if ('type' in told) this.#options.onEvent(told);
  }

  #lost(port: NativePort, reason: string | undefined): void {
    if (this.#port !== port) return;
    this.#port = undefined;
    const error = new RequestError('HOST_DISCONNECTED', reason ?? 'The host went away.');
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    this.#options.onDisconnect?.(reason);
  }
}
