import type { ActionName } from '../../host/protocol/actions/requests.ts';
import type { HostEvent, RequestOf } from '../../host/protocol/messages.ts';
import { type NativePort, RequestError } from '../host-connection.ts';
import { type Clock, HostLink } from './host-link.ts';
import { CHANGING_ACTIONS, type FromPage, readFromPage, type ToPage } from './page-messages.ts';

/** A page's port, as `runtime.onConnect` gives it. */
export type PagePort = Pick<NativePort, 'postMessage' | 'onMessage' | 'onDisconnect'>;

/** What a worker is made with: the browser's native port, and time. */
export interface WorkerOptions {
  readonly connect: () => NativePort;
  readonly reasonOf: (port: NativePort) => string | undefined;
  readonly clock: Clock;
  /** The extension's own version. */
  readonly version: string;
}

/** A page's request that the host is working on. */
interface Asked {
  readonly page: PagePort;
  readonly id: number;
  readonly action: ActionName;
}

/** How often a download is taken up again after the host went away in its middle, before the user is left to decide. */
const MAX_RESUMPTIONS = 3;

/**
 * The background worker: owns the one port to the host and serves the open pages over theirs. It remembers nothing that
 * the host knows, so a browser may end and restart it at any time.
 */
export class Worker {
  readonly #link: HostLink;
  readonly #pages = new Set<PagePort>();
  /** By the id the request has towards the host. */
  readonly #asked = new Map<string, Asked>();
  /** Downloads the host went away from, by their fields, with how often each was taken up again. */
  readonly #interrupted = new Map<string, number>();

  constructor({ connect, reasonOf, clock, version }: WorkerOptions) {
    this.#link = new HostLink({
      connect,
      reasonOf,
      clock,
      version,
      onEvent: (event) => this.#onEvent(event),
      onState: (state) => {
        this.#tellAll({ kind: 'state', state });
        if (state.status === 'connected') this.#resume();
      },
      isWanted: () => this.#pages.size > 0 || this.#interrupted.size > 0,
    });
  }

  /** Serves a page from now on. The caller has made sure that it is one of ours. */
  accept(page: PagePort): void {
    this.#pages.add(page);
    page.onMessage.addListener((message) => {
      const said = readFromPage(message);
      if (said !== undefined) this.#onMessage(page, said);
    });
    page.onDisconnect.addListener(() => this.#left(page));
    tell(page, { kind: 'state', state: this.#link.state });
    void this.#link.connect();
  }

  #onMessage(page: PagePort, said: FromPage): void {
    if (said.kind === 'request') void this.#serve(page, said);
    else if (said.kind === 'retry') void this.#link.retry();
    else this.#stop((asked) => asked.page === page && asked.id === said.id);
  }

  async #serve(page: PagePort, { id, action, fields }: FromPage & { kind: 'request' }): Promise<void> {
    try {
      const payload = await this.#ask(action, fields, { page, id, action });
      tell(page, { kind: 'reply', id, payload });
    } catch (error) {
      const { code, message, details } = asRequestError(error);
      tell(page, { kind: 'error', id, code, message, ...(details === undefined ? {} : { details }) });
    }
  }

  async #ask(action: ActionName, fields: object, asked?: Asked): Promise<unknown> {
    const { sent } = await this.#link.send(action, fields as Partial<RequestOf<ActionName>>);
    if (asked !== undefined) this.#asked.set(sent.requestId, asked);
    try {
      const payload = await sent.payload;
      if (action === 'DOWNLOAD_MODEL') this.#interrupted.delete(JSON.stringify(fields));
      return payload;
    } catch (error) {
      if (action === 'DOWNLOAD_MODEL') this.#noteDownload(fields, error);
      throw error;
    } finally {
      this.#asked.delete(sent.requestId);
      // What failed may have changed something too: a download that was paused ends in an error.
      if (CHANGING_ACTIONS.has(action)) this.#tellAll({ kind: 'changed', action });
    }
  }

  /** Keeps a download that lost its host, to go on with it; forgets one that ended by itself. */
  #noteDownload(fields: object, error: unknown): void {
    const key = JSON.stringify(fields);
    const lost = asRequestError(error).code === 'HOST_DISCONNECTED';
    if (lost) this.#interrupted.set(key, this.#interrupted.get(key) ?? 0);
    else this.#interrupted.delete(key);
  }

  #resume(): void {
    for (const [key, times] of this.#interrupted) {
      if (times >= MAX_RESUMPTIONS) {
        this.#interrupted.delete(key);
        continue;
      }
      this.#interrupted.set(key, times + 1);
      // How it ends is told by the download's status, which every page asks for.
      this.#ask('DOWNLOAD_MODEL', JSON.parse(key)).catch(() => {});
    }
  }

  #left(page: PagePort): void {
    this.#pages.delete(page);
    this.#stop((asked) => asked.page === page);
  }

  /** Stops generations nobody will read. */
  #stop(matches: (asked: Asked) => boolean): void {
    for (const [targetRequestId, asked] of this.#asked) {
      if (asked.action !== 'GENERATE' || !matches(asked)) continue;
      // Where the host is gone, so is the generation.
      this.#ask('STOP_GENERATION', { targetRequestId }).catch(() => {});
    }
  }

  #onEvent(event: HostEvent): void {
    const asked = event.requestId === undefined ? undefined : this.#asked.get(String(event.requestId));
    const isPrivate = event.type.startsWith('generation');
    for (const page of this.#pages) {
      if (asked?.page === page) tell(page, { kind: 'event', event, id: asked.id });
      else if (!isPrivate) tell(page, { kind: 'event', event });
    }
  }

  #tellAll(message: ToPage): void {
    for (const page of this.#pages) tell(page, message);
  }
}

function tell(page: PagePort, message: ToPage): void {
  try {
    page.postMessage(message);
  } catch {
    // The page has just closed; its port says so next.
  }
}

function asRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  return new RequestError('INTERNAL_ERROR', error instanceof Error ? error.message : String(error));
}
