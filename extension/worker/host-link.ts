import type { ActionName } from '../../host/protocol/actions/requests.ts';
import type { HostEvent, RequestOf } from '../../host/protocol/messages.ts';
import { OLDEST_HOST, outdated, updateAdvice, type Versions } from '../../host/protocol/versions.ts';
import { type ConnectionOptions, HostConnection, RequestError, type SentRequest } from '../host-connection.ts';
import { BackOff } from './back-off.ts';
import { type HostProblem, problemOfDisconnect, problemOfError } from './host-problem.ts';
import type { HostState } from './host-state.ts';

/** Longest the host may take to answer its first request, milliseconds. It takes 50; a virus scanner may take seconds. */
const FIRST_REPLY_MS = 15_000;

/** Timers and time, so that tests need not wait. */
export interface Clock {
  now(): number;
  /** Calls `callback` after `ms` milliseconds; the function returned calls it off. */
  after(ms: number, callback: () => void): () => void;
}

/** What a link is made with. */
export interface LinkOptions extends Pick<ConnectionOptions, 'connect' | 'reasonOf'> {
  readonly clock: Clock;
  /** The extension's own version. */
  readonly version: string;
  readonly onEvent: (event: HostEvent) => void;
  readonly onState: (state: HostState) => void;
  /** Says whether somebody needs the host, and so whether to try again by itself. */
  readonly isWanted: () => boolean;
}

/**
 * The link to the host: makes sure of it with a PING, says how it stands, and tries again, with growing pauses, while
 * somebody needs it.
 */
export class HostLink {
  readonly #options: LinkOptions;
  readonly #connection: HostConnection;
  readonly #backOff: BackOff;
  #state: HostState = { status: 'closed' };
  #connecting: Promise<void> | undefined;
  #callOff: (() => void) | undefined;

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
   * Asks the host, which is started first where it does not run. Resolves once the request is sent.
   * Rejects with `HOST_DISCONNECTED` when there is no host.
   */
  async send<A extends ActionName>(action: A, fields: Partial<RequestOf<A>>): Promise<{ sent: SentRequest<A> }> {
    await this.connect();
    if (this.#state.status === 'failed') {
      const { kind, reason } = this.#state.problem;
      throw new RequestError('HOST_DISCONNECTED', reason || 'The host cannot be reached.', { problem: kind });
    }
    return { sent: this.#connection.send(action, fields) };
  }

  /** Makes the connection, if there is none. Never rejects: the state tells. */
  connect(): Promise<void> {
    if (this.#state.status === 'connected') return Promise.resolve();
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  /** Tries at once, and begins the pauses anew: somebody pressed "Try again". */
  retry(): Promise<void> {
    this.#backOff.reset();
    return this.connect();
  }

  async #connect(): Promise<void> {
    this.#callOff?.();
    this.#callOff = undefined;
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
      this.#setState({ status: 'connected', version: versions.host });
    } catch (error) {
      this.#failed(error === SILENT ? { kind: 'silent', reason: '' } : problemOfError(error));
      this.#connection.close();
    }
  }

  /** Starts the host and learns how old it is. */
  async #versions(): Promise<Versions> {
    const own = { client: this.#options.version, oldestHost: OLDEST_HOST };
    const { promise: silence, reject } = Promise.withResolvers<never>();
    const callOff = this.#options.clock.after(FIRST_REPLY_MS, () => reject(SILENT));
    try {
      const asked = this.#connection.request('PING', { clientVersion: own.client, oldestHost: own.oldestHost });
      const { version, oldestClient } = await Promise.race([asked, silence]);
      return { ...own, host: version, oldestClient };
    } finally {
      callOff();
    }
  }

  #failed(problem: HostProblem): void {
    this.#setState({ status: 'failed', problem });
    const pause = this.#backOff.lost();
    this.#callOff?.();
    this.#callOff = this.#options.clock.after(pause, () => {
      if (this.#options.isWanted()) void this.connect();
    });
  }

  #setState(state: HostState): void {
    this.#state = state;
    this.#options.onState(state);
  }
}

/** What a first request is given up with when no reply comes. */
const SILENT = new Error('No reply.');
