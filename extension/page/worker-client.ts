import type { ActionName, PayloadOf, RequestOf } from '../../host/protocol/messages.ts';
import { type NativePort, RequestError } from '../host-connection.ts';
import type { FromPage, ToPage } from '../worker/page-messages.ts';

/** Delay before the port to a stopped worker is opened again, milliseconds. Opening it starts the worker. */
const RECONNECT_MS = 200;

/** A message of the worker that belongs to no request. */
export type WorkerNotice = Exclude<ToPage, { readonly kind: 'reply' | 'error' }>;

/** Options of a client. */
export interface ClientOptions {
  /** Opens a port to the worker: `() => browser.runtime.connect({ name: PAGE_PORT })`. */
  readonly connect: () => NativePort;
  readonly onNotice: (notice: WorkerNotice) => void;
}

interface Pending {
  resolve(payload: unknown): void;
  reject(error: RequestError): void;
}

/** A page's end of its port to the worker. The browser may stop the worker at any time; then the port is opened again. */
export class WorkerClient {
  readonly #options: ClientOptions;
  readonly #pending = new Map<number, Pending>();
  #port: NativePort | undefined;
  #nextId = 1;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#open();
  }

  /** Sends a request to the host. Rejects with a {@link RequestError}. */
  async request<A extends ActionName>(action: A, fields: Partial<RequestOf<A>> = {}): Promise<PayloadOf<A>> {
    const id = this.#nextId++;
    try {
      const payload = await new Promise((resolve, reject) => {
        this.#pending.set(id, { resolve, reject });
        this.post({ kind: 'request', id, action, fields });
      });
      // The worker passes on the host's reply: the contract that both sides import.
      return payload as PayloadOf<A>;
    } finally {
      this.#pending.delete(id);
    }
  }

  /** Sends a message to the worker. */
  post(message: FromPage): void {
    this.#open().postMessage(message);
  }

  #open(): NativePort {
    if (this.#port !== undefined) return this.#port;
    const port = this.#options.connect();
    this.#port = port;
    // The worker is the extension's own, and nothing else can write to this port.
    port.onMessage.addListener((message) => this.#receive(message as ToPage));
    port.onDisconnect.addListener(() => this.#onLost(port));
    return port;
  }

  #receive(message: ToPage): void {
    if (message.kind === 'reply') this.#pending.get(message.id)?.resolve(message.payload);
    else if (message.kind === 'error') {
      this.#pending.get(message.id)?.reject(new RequestError(message.code, message.message, message.details));
    } else this.#options.onNotice(message);
  }

  #onLost(port: NativePort): void {
    if (this.#port !== port) return;
    this.#port = undefined;
    const error = new RequestError('HOST_DISCONNECTED', 'The browser restarted the extension.');
    for (const { reject } of this.#pending.values()) reject(error);
    setTimeout(() => this.#open(), RECONNECT_MS);
  }
}
