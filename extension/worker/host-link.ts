import type { ActionName, HostEvent, RequestOf } from '../../host/protocol/messages.ts';
import { OLDEST_HOST, outdated, updateAdvice, type Versions } from '../../host/protocol/versions.ts';
import { type ConnectionOptions, HostConnection, RequestError, type SentRequest } from '../host-connection.ts';
import { BackOff } from './back-off.ts';
import { type HostProblem, problemOfDisconnect, problemOfError } from './host-problem.ts';
import type { HostState } from './host-state.ts';

/** Time limit for the host's first reply, milliseconds. It takes 50; a virus scanner may add seconds. */
const FIRST_REPLY_MS = 15_000;

/** Time and timers; tests have their own, to not wait. */
export interface Clock {
  now(): number;
  /** Calls `callback` after `ms` milliseconds; the returned function cancels that. */
  after(ms: number, callback: () => void): () => void;
}

/** Options of a link. */
export interface LinkOptions extends Pick<ConnectionOptions, 'connect' | 'reasonOf'> {
  readonly clock: Clock;
  /** The extension's own version. */
  readonly version: string;
  /** The name of the browser. */
  readonly program: string;
  readonly onEvent: (event: HostEvent) => void;
  readonly onState: (state: HostState) => void;
  /** Returns whether the host is needed, and so whether to reconnect automatically. */
  readonly isNeeded: () => boolean;
}

/**
 * The link to the host: checks it with a PING, reports its state, and reconnects with growing delays while the host is
 * needed.
 */
export class HostLink {
  readonly #options: LinkOptions;
  readonly #connection: HostConnection;
  readonly #backOff: BackOff;
  #state: HostState = { status: 'closed' };
  #connecting: Promise<void> | undefined;
  #cancelRetry: (() => void) | undefined;
  /** Counts connections, to know which one a request was sent over. */
  #connectionNumber = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#backOff = new BackOff(() => options.clock.now());
    this.#connection = new HostConnection({
      connect: options.connect,
      reasonOf: options.reasonOf,
      onEvent: options.onEvent,
      onDisconnect: (reason) => {
        if (this.#state.status === 'connected') this.#failed(problemOfDisconnect(reason));
      },
    });
  }

  get state(): HostState {
    return this.#state;
  }

  /**
   * Sends a request to the host, which is started first if it does not run. Resolves once the request is sent.
   * Rejects with `HOST_DISCONNECTED` if there is no host.
   */
  async send<A extends ActionName>(
    action: A,
    fields: Partial<RequestOf<A>>,
  ): Promise<{ readonly sent: SentRequest<A>; readonly connection: number }> {
    await this.connect();
    if (this.#state.status === 'failed') {
      const { kind, reason } = this.#state.problem;
      throw new RequestError('HOST_DISCONNECTED', reason || 'Could not connect to the host.', { problem: kind });
    }
    return { sent: this.#connection.send(action, fields), connection: this.#connectionNumber };
  }

  /** Connects, if there is no connection. Never rejects; the state reports failures. */
  connect(): Promise<void> {
    if (this.#state.status === 'connected') return Promise.resolve();
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  /** Connects at once and resets the delays, as when the user presses "Retry". */
  retry(): Promise<void> {
    this.#backOff.reset();
    return this.connect();
  }

  /** Ends a host that was updated while it ran, and starts the new one. Another connection than `connection` is kept. */
  async replaceHost(connection: number): Promise<void> {
    if (connection === this.#connectionNumber && this.#state.status === 'connected') {
      this.#setState({ status: 'closed' });
      this.#connection.close();
    }
    await this.connect();
  }

  async #connect(): Promise<void> {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    const before = this.#state;
    this.#setState({ status: 'connecting', ...(before.status === 'failed' ? { problem: before.problem } : {}) });
    try {
      const versions = await this.#versions();
      const update = outdated(versions);
      if (update !== undefined) {
        const reason = updateAdvice(update, versions);
        this.#failed({ kind: update === 'host' ? 'hostOutdated' : 'extensionOutdated', reason });
        this.#connection.close();
        return;
      }
      this.#backOff.connected();
      this.#connectionNumber += 1;
      this.#setState({ status: 'connected', version: versions.host });
    } catch (error) {
      this.#failed(error === NO_REPLY ? { kind: 'silent', reason: '' } : problemOfError(error));
      this.#connection.close();
    }
  }

  /** Starts the host and asks for its version. */
  async #versions(): Promise<Versions> {
    const own = { client: this.#options.version, oldestHost: OLDEST_HOST };
    const { promise: timeout, reject } = Promise.withResolvers<never>();
    const cancel = this.#options.clock.after(FIRST_REPLY_MS, () => reject(NO_REPLY));
    try {
      const { program } = this.#options;
      const fields = { clientVersion: own.client, oldestHost: own.oldestHost, program };
      const reply = this.#connection.request('PING', fields);
      const { version, oldestClient } = await Promise.race([reply, timeout]);
      return { ...own, host: version, oldestClient };
    } finally {
      cancel();
    }
  }

  #failed(problem: HostProblem): void {
    this.#setState({ status: 'failed', problem });
    const delay = this.#backOff.lost();
    this.#cancelRetry?.();
    this.#cancelRetry = this.#options.clock.after(delay, () => {
      if (this.#options.isNeeded()) void this.connect();
    });
  }

  #setState(state: HostState): void {
    this.#state = state;
    this.#options.onState(state);
  }
}

/** The reason to reject when the first reply does not arrive in time. */
const NO_REPLY = new Error('No reply.');
