import { validateHeaderValue } from 'node:http';
import type { AnswerHead } from './answer-head.ts';
import { BulkConnection, type BulkTimeouts } from './bulk-connection.ts';

/** Idle connections kept to one server. */
const MAX_IDLE = 16;
/** How long one is kept, milliseconds: servers begin to close them after 5 s, and a network that went away tells nobody. */
const MAX_IDLE_MS = 4_000;

/** An answer whose body has not been read. */
export interface BulkAnswer {
  readonly head: AnswerHead;
  /** Bytes are good until the next are asked for. Leaving the loop early, or `destroy`, gives the rest up. */
  readonly body: AsyncIterable<Uint8Array> & { destroy(): void };
}

/** Fetches large bodies, over connections that are kept for the next ones. */
export class BulkClient {
  readonly #timeouts: BulkTimeouts;
  /** By origin; the last one used is used first, since it is the least likely to have been closed. */
  readonly #idle = new Map<string, BulkConnection[]>();

  constructor(timeouts: BulkTimeouts) {
    this.#timeouts = timeouts;
  }

  /**
   * Sends a `GET` and resolves with the answer's head.
   *
   * @throws ConnectionFault, or the system's error when the server cannot be reached; the signal's reason when aborted.
   */
  async get(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal | undefined): Promise<BulkAnswer> {
    for (const [name, value] of Object.entries(headers)) validateHeaderValue(name, value);
    for (let isKept = true; ; isKept = false) {
      signal?.throwIfAborted();
      const kept = isKept ? this.#idle.get(url.origin)?.pop() : undefined;
      const connection = kept ?? new BulkConnection(url, this.#timeouts);
      const abort = () => connection.destroy(signal?.reason);
      signal?.addEventListener('abort', abort, { once: true });
      const release = (isUsable: boolean) => {
        signal?.removeEventListener('abort', abort);
        if (isUsable) this.#keep(url.origin, connection);
        else connection.destroy();
      };
      try {
        const head = await connection.request(url, headers);
        return { head, body: new BulkBody(connection, head, release) };
      } catch (error) {
        release(false);
        signal?.throwIfAborted();
        // One that was kept may have been closed while it was idle, which is nobody's fault.
        if (kept === undefined) throw error;
      }
    }
  }

  #keep(origin: string, connection: BulkConnection): void {
    const idle = this.#idle.get(origin) ?? [];
    this.#idle.set(origin, idle);
    idle.push(connection);
    connection.rest(MAX_IDLE_MS, () => {
      const at = idle.indexOf(connection);
      if (at !== -1) idle.splice(at, 1);
    });
    if (idle.length > MAX_IDLE) idle.shift()?.destroy();
  }
}

/** The body of one answer. */
class BulkBody {
  readonly #connection: BulkConnection;
  readonly #release: (isUsable: boolean) => void;
  readonly #isKept: boolean;
  #left: number;
  #isReleased = false;

  constructor(connection: BulkConnection, { length, isKept }: AnswerHead, release: (isUsable: boolean) => void) {
    this.#connection = connection;
    this.#release = release;
    this.#isKept = isKept && length !== undefined;
    this.#left = length ?? 0;
    if (this.#left === 0) this.destroy();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      while (this.#left > 0) {
        const bytes = await this.#connection.read(this.#left);
        this.#left -= bytes.length;
        yield bytes;
      }
    } finally {
      this.destroy();
    }
  }

  destroy(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    if (this.#isKept) this.#connection.finish(this.#left).then(this.#release, () => this.#release(false));
    else this.#release(false);
  }
}
