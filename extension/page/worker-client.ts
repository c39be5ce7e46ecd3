import type { ActionName } from '../../host/protocol/actions/requests.ts';
import type { HostEvent, PayloadOf, RequestOf } from '../../host/protocol/messages.ts';
import { type NativePort, RequestError } from '../host-connection.ts';
import type { HostState } from '../worker/host-state.ts';
import type { FromPage, ToPage } from '../worker/page-messages.ts';

/** Pause before a worker that went away is called again, milliseconds. Calling it starts it. */
const RECONNECT_MS = 200;

/** What a client is made with. */
export interface ClientOptions {
  /** Opens a port to the worker: `() => browser.runtime.connect({ name: PAGE_PORT })`. */
  readonly connect: () => NativePort;
  readonly onState: (state: HostState) => void;
  readonly onEvent: (event: HostEvent) => void;
  /** Some page changed what the host would answer. */
  readonly onChanged: () => void;
}

/** What a request may have beside its fields. */
export interface RequestOptions {
  /** Hears the events of this request alone. */
  readonly onEvent?: (event: HostEvent) => void;
  /** Stops a GENERATE; its reply still comes, with what was generated so far. */
  readonly signal?: AbortSignal;
}

interface Pending extends RequestOptions {
  resolve(payload: unknown): void;
  reject(error: RequestError): void;
}

/** A page's end of its port to the worker. The worker may be stopped at any time; then it is called again. */
export class WorkerClient {
  readonly #options: ClientOptions;
  readonly #pending = new Map<number, Pending>();
  #port: NativePort | undefined;
  #nextId = 1;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#open();
  }

  /** Asks the host. Rejects with a {@link RequestError}. */
  async request<A extends ActionName>(
    action: A,
    fields: Partial<RequestOf<A>> = {},
    options: RequestOptions = {},
  ): Promise<PayloadOf<A>> {
    const id = this.#nextId++;
    const stop = () => this.#say({ kind: 'stop', id });
    try {
      const payload = await new Promise((resolve, reject) => {
        this.#pending.set(id, { ...options, resolve, reject });
        this.#say({ kind: 'request', id, action, fields });
        options.signal?.addEventListener('abort', stop);
      });
      // The worker passes on what the host answers, and that is the contract both sides import.
      return payload as PayloadOf<A>;
    } finally {
      options.signal?.removeEventListener('abort', stop);
      this.#pending.delete(id);
    }
  }

  /** Has the host tried again, now. */
  retry(): void {
    this.#say({ kind: 'retry' });
  }

  #say(message: FromPage): void {
    this.#open().postMessage(message);
  }

  #open(): NativePort {
    if (this.#port !== undefined) return this.#port;
    const port = this.#options.connect();
    this.#port = port;
    // The worker is the extension's own, and nothing else can write to this port.
    port.onMessage.addListener((message) => this.#receive(message as ToPage));
    port.onDisconnect.addListener(() => this.#lost(port));
    return port;
  }

  #receive(message: ToPage): void {
    if (message.kind === 'state') this.#options.onState(message.state);
    else if (message.kind === 'changed') this.#options.onChanged();
    else if (message.kind === 'event') {
      this.#options.onEvent(message.event);
      if (message.id !== undefined) this.#pending.get(message.id)?.onEvent?.(message.event);
    } else if (message.kind === 'reply') this.#pending.get(message.id)?.resolve(message.payload);
    else this.#pending.get(message.id)?.reject(new RequestError(message.code, message.message, message.details));
  }

  #lost(port: NativePort): void {
    if (this.#port !== port) return;
    this.#port = undefined;
    const error = new RequestError('HOST_DISCONNECTED', 'The extension was restarted by the browser.');
    for (const { reject } of this.#pending.values()) reject(error);
    setTimeout(() => this.#open(), RECONNECT_MS);
  }
}
