import type { ActionName, HostEvent, PayloadOf, RequestOf } from '../../host/protocol/messages.ts';
import { type NativePort, RequestError, type SentRequest } from '../host-connection.ts';
import { DownloadBadge } from './download-badge.ts';
import { type Clock, HostLink } from './host-link.ts';
import { type LongTask, longTaskOf } from './long-tasks.ts';
import { type FromPage, MODEL_ACTIONS, readFromPage, type ToPage } from './page-messages.ts';

/** A page's port, as `runtime.onConnect` passes it. */
export type PagePort = Pick<NativePort, 'postMessage' | 'onMessage' | 'onDisconnect'>;

/** Options of a worker: the browser's native port, and a clock. */
export interface WorkerOptions {
  readonly connect: () => NativePort;
  readonly reasonOf: (port: NativePort) => string | undefined;
  readonly clock: Clock;
  /** The extension's own version. */
  readonly version: string;
  /** The name of the browser. */
  readonly program: string;
  /** Sets the text of the toolbar button's badge. */
  readonly showBadge: (text: string) => void;
  /** Notifies the user of the end of a long task. Called only while no page is open. */
  readonly notify: (task: LongTask) => void;
}

/** How often a download is restarted after the host stopped in its middle, before the user decides. */
const MAX_DOWNLOAD_RESTARTS = 3;

/**
 * The background worker: owns the one port to the host and serves the open pages over theirs. It keeps no state of the
 * host, apart from what is running at the moment, so the browser may stop and restart it at any time.
 */
export class Worker {
  readonly #link: HostLink;
  readonly #pages = new Set<PagePort>();
  /** The conversations whose answers are being generated, by the ids of the requests. */
  readonly #generations = new Map<string, string>();
  readonly #badge: DownloadBadge;
  readonly #clock: Clock;
  readonly #notify: (task: LongTask) => void;
  readonly #eventListeners = new Set<(event: HostEvent) => void>();
  /** Downloads interrupted by the end of the host, by their fields, with how often each was restarted. */
  readonly #interrupted = new Map<string, number>();

  constructor({ connect, reasonOf, clock, version, program, showBadge, notify }: WorkerOptions) {
    this.#clock = clock;
    this.#notify = notify;
    this.#badge = new DownloadBadge(showBadge);
    this.#link = new HostLink({
      connect,
      reasonOf,
      clock,
      version,
      program,
      onEvent: (event) => this.#onEvent(event),
      onState: (state) => {
        this.#broadcast({ kind: 'state', state });
        if (state.status === 'connected') this.#restartDownloads();
      },
      isNeeded: () => this.#pages.size > 0 || this.#interrupted.size > 0,
    });
  }

  /** Serves a page from now on. The caller has checked that it is one of ours. */
  accept(page: PagePort): void {
    this.#pages.add(page);
    page.onMessage.addListener((message) => {
      const parsed = readFromPage(message);
      if (parsed !== undefined) this.#onMessage(page, parsed);
    });
    page.onDisconnect.addListener(() => this.#pages.delete(page));
    post(page, { kind: 'state', state: this.#link.state });
    void this.#link.connect();
  }

  /**
   * Sends a request to the host. Rejects with a {@link RequestError}.
   *
   * @param onSent Called with the id of the request, which the host's events refer to; called again with another one if the
   *   request is repeated because the host was updated.
   */
  async request<A extends ActionName>(
    action: A,
    fields: Partial<RequestOf<A>>,
    onSent?: (requestId: string) => void,
  ): Promise<PayloadOf<A>> {
    // The host replies to an action with that action's payload.
    return (await this.#request(action, fields, onSent)) as PayloadOf<A>;
  }

  /** Adds a listener for the host's events. Returns a function that removes it. */
  onEvent(listener: (event: HostEvent) => void): () => void {
    this.#eventListeners.add(listener);
    return () => this.#eventListeners.delete(listener);
  }

  #onMessage(page: PagePort, message: FromPage): void {
    if (message.kind === 'request') void this.#serve(page, message);
    else if (message.kind === 'retry') void this.#link.retry();
    else this.#stop(message.conversationId);
  }

  async #serve(page: PagePort, { id, action, fields }: FromPage & { kind: 'request' }): Promise<void> {
    try {
      post(page, { kind: 'reply', id, payload: await this.#request(action, fields) });
    } catch (error) {
      const { code, message, details } = asRequestError(error);
      post(page, { kind: 'error', id, code, message, ...(details === undefined ? {} : { details }) });
    }
  }

  async #request(action: ActionName, fields: object, onSent?: (requestId: string) => void): Promise<unknown> {
    const start = this.#clock.now();
    const end = (errorCode: string | undefined) => {
      const task = longTaskOf(action, fields, { ms: this.#clock.now() - start, errorCode });
      if (task !== undefined && this.#pages.size === 0) this.#notify(task);
    };
    try {
      const payload = await this.#send(action, fields, onSent);
      end(undefined);
      return payload;
    } catch (error) {
      end(asRequestError(error).code);
      throw error;
    }
  }

  async #send(action: ActionName, fields: object, onSent?: (requestId: string) => void): Promise<unknown> {
    const { sent, connection } = await this.#link.send(action, fields as Partial<RequestOf<ActionName>>);
    onSent?.(sent.requestId);
    try {
      return await this.#complete(action, fields, sent);
    } catch (error) {
      if (asRequestError(error).code !== 'HOST_UPDATED') throw error;
      // The old host refused the request before it did anything, so the new one can be asked.
      await this.#link.replaceHost(connection);
      const { sent: again } = await this.#link.send(action, fields as Partial<RequestOf<ActionName>>);
      onSent?.(again.requestId);
      return this.#complete(action, fields, again);
    }
  }

  async #complete(action: ActionName, fields: object, sent: SentRequest<ActionName>): Promise<unknown> {
    const { chat_id: conversationId } = action === 'GENERATE' ? (fields as Partial<RequestOf<'GENERATE'>>) : {};
    if (conversationId !== undefined) this.#generations.set(sent.requestId, conversationId);
    try {
      const payload = await sent.payload;
      if (action === 'DOWNLOAD_MODEL') this.#interrupted.delete(JSON.stringify(fields));
      return payload;
    } catch (error) {
      if (action === 'DOWNLOAD_MODEL') this.#recordInterruption(fields, error);
      throw error;
    } finally {
      this.#generations.delete(sent.requestId);
      this.#badge.end(sent.requestId);
      // A failed action may have changed something too: a download that is paused ends in an error.
      if (MODEL_ACTIONS.has(action)) this.#broadcast({ kind: 'changed', action });
    }
  }

  /** Records a download that the end of the host interrupted; forgets one that ended for another reason. */
  #recordInterruption(fields: object, error: unknown): void {
    const key = JSON.stringify(fields);
    const isInterrupted = asRequestError(error).code === 'HOST_DISCONNECTED';
    if (isInterrupted) this.#interrupted.set(key, this.#interrupted.get(key) ?? 0);
    else this.#interrupted.delete(key);
  }

  #restartDownloads(): void {
    for (const [key, restarts] of this.#interrupted) {
      if (restarts >= MAX_DOWNLOAD_RESTARTS) {
        this.#interrupted.delete(key);
        continue;
      }
      this.#interrupted.set(key, restarts + 1);
      // Pages see how it ends in the status of the download.
      this.#request('DOWNLOAD_MODEL', JSON.parse(key)).catch(() => {});
    }
  }

  #stop(conversationId: string): void {
    for (const [targetRequestId, id] of this.#generations) {
      // If the host is gone, so is the generation.
      if (id === conversationId) this.#request('STOP_GENERATION', { targetRequestId }).catch(() => {});
    }
  }

  #onEvent(event: HostEvent): void {
    for (const listener of this.#eventListeners) listener(event);
    this.#badge.apply(event);
    const isShown =
      event.type === 'generationUpdate' ? event.payload.chat_id !== undefined : !event.type.startsWith('generation');
    if (isShown) this.#broadcast({ kind: 'event', event });
  }

  #broadcast(message: ToPage): void {
    for (const page of this.#pages) post(page, message);
  }
}

function post(page: PagePort, message: ToPage): void {
  try {
    page.postMessage(message);
  } catch {
    // The page has just closed; its port reports that next.
  }
}

function asRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  return new RequestError('INTERNAL_ERROR', error instanceof Error ? error.message : String(error));
}
