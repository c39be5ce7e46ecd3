import type { ErrorCode } from '../host/protocol/errors.ts';
import type { ActionName, HostEvent, PayloadOf, Reply, RequestOf } from '../host/protocol/messages.ts';

/** The part of a browser port (`runtime.Port`) that the extension uses. */
export interface NativePort {
  postMessage(message: object): void;
  disconnect(): void;
  readonly onMessage: { addListener(listener: (message: unknown) => void): void };
  readonly onDisconnect: { addListener(listener: () => void): void };
}

/** A request failed: with the host's own code, or because there is no host. */
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

/** Options of a connection. */
export interface ConnectionOptions {
  /** Opens the port: `() => chrome.runtime.connectNative('com.tabagent.host')`. */
  readonly connect: () => NativePort;
  /** Returns the browser's reason for the last disconnect: `chrome.runtime.lastError?.message`, `port.error?.message`. */
  readonly reasonOf: (port: NativePort) => string | undefined;
  /** Receives every event of the host. */
  readonly onEvent: (event: HostEvent) => void;
  /** Called when the port was lost. The next request opens a new one. */
  readonly onDisconnect?: (reason: string | undefined) => void;
}

/** A request that was sent: its id, which the host's events about it carry, and its payload. */
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
 * The extension's end of the native port, one for the whole extension, opened by the first request. Every request gets
 * an id and its own reply, in whatever order replies arrive; if the port is lost, all pending requests fail.
 */
export class HostConnection {
  readonly #options: ConnectionOptions;
  readonly #pending = new Map<string, Pending>();
  #port: NativePort | undefined;
  #nextId = 1;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Sends a request and returns its payload. Rejects with a {@link RequestError}. */
  async request<A extends ActionName>(action: A, fields: Partial<RequestOf<A>> = {}): Promise<PayloadOf<A>> {
    return this.send(action, fields).payload;
  }

  /** Sends a request and returns its id at once, for callers that follow its events or stop it. */
  send<A extends ActionName>(action: A, fields: Partial<RequestOf<A>> = {}): SentRequest<A> {
    const requestId = `${action}/${this.#nextId++}`;
    return { requestId, payload: this.#request(requestId, action, fields) };
  }

  /** Closes the port. The host aborts the pending requests. */
  close(): void {
    const port = this.#port;
    port?.disconnect();
    if (port !== undefined) this.#onLost(port, 'The connection to the host was closed.');
  }

  async #request<A extends ActionName>(
    requestId: string,
    action: A,
    fields: Partial<RequestOf<A>>,
  ): Promise<PayloadOf<A>> {
    const reply = await new Promise<Reply>((resolve, reject) => {
      this.#pending.set(requestId, { resolve, reject });
      try {
        this.#open().postMessage({ ...fields, action, requestId });
      } catch (error) {
        // The port is just closing, or the message is larger than the browser allows.
        this.#pending.delete(requestId);
        reject(new RequestError('HOST_DISCONNECTED', error instanceof Error ? error.message : String(error)));
      }
    });
    if (reply.status === 'error') throw new RequestError(reply.code, reply.message, reply.details);
    // The host replies to an action with that action's payload: the contract that both sides import.
    return reply.payload as PayloadOf<A>;
  }

  #open(): NativePort {
    if (this.#port !== undefined) return this.#port;
    const port = this.#options.connect();
    this.#port = port;
    port.onMessage.addListener((message) => this.#receive(message));
    port.onDisconnect.addListener(() => this.#onLost(port, this.#options.reasonOf(port)));
    return port;
  }

  #receive(message: unknown): void {
    // Only the host that the user installed writes to this port. Replies have a status, events a type.
    const received = message as Reply | HostEvent;
    if ('status' in received) {
      const pending = this.#pending.get(String(received.requestId));
      this.#pending.delete(String(received.requestId));
      pending?.resolve(received);
    } else if ('type' in received) this.#options.onEvent(received);
  }

  #onLost(port: NativePort, reason: string | undefined): void {
    if (this.#port !== port) return;
    this.#port = undefined;
    const error = new RequestError('HOST_DISCONNECTED', reason ?? 'The host disconnected.');
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    this.#options.onDisconnect?.(reason);
  }
}
