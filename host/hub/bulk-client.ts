import { validateHeaderValue } from 'node:http';
import { BulkConnection, type BulkTimeouts } from './bulk-connection.ts';
import type { ResponseHead } from './response-head.ts';

/** Maximum number of idle connections per server. */
const MAX_IDLE = 16;
/**
 * How long an idle connection can be reused, in milliseconds. Servers close idle connections after at least 5 s, and
 * the loss of the network is not reported.
 */
const MAX_IDLE_MS = 4_000;

/** A response whose body has not been read. */
export interface BulkResponse {
  readonly head: ResponseHead;
  /** The IP address of the server. */
  readonly address: string | undefined;
  /** Each chunk is valid until the next one is requested. `destroy`, or ending the loop early, discards the rest. */
  readonly body: AsyncIterable<Uint8Array> & { destroy(): void };
}

/** Options for {@link BulkClient}. */
export interface BulkOptions extends BulkTimeouts {
  /** Called when a caller aborts a request. */
  readonly onStopped?: () => void;
}

/** Fetches large bodies over reused connections. */
export class BulkClient {
  readonly #options: BulkOptions;
  /**
   * Idle connections by origin; those restricted to public addresses are separate. The most recently used one is reused
   * first, because it is the least likely to have been closed.
   */
  readonly #idle = new Map<string, BulkConnection[]>();

  constructor(options: BulkOptions) {
    this.#options = options;
  }

  /**
   * Sends a `GET` request and resolves with the response head.
   *
   * @param publicOnly Whether to reject a server name that DNS resolves to this machine or a private network.
   * @throws ConnectionError, or the system's error if the server cannot be reached; the signal's reason when aborted.
   */
  async get(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
    publicOnly = false,
  ): Promise<BulkResponse> {
    const key = `${publicOnly ? 'public ' : ''}${url.origin}`;
    for (const [name, value] of Object.entries(headers)) validateHeaderValue(name, value);
    for (let keepAlive = true; ; keepAlive = false) {
      signal?.throwIfAborted();
      const reused = keepAlive ? this.#idle.get(key)?.pop() : undefined;
      const connection = reused ?? new BulkConnection(url, this.#options, publicOnly);
      const abort = () => {
        connection.destroy(signal?.reason);
        this.#options.onStopped?.();
      };
      signal?.addEventListener('abort', abort, { once: true });
      const release = (isUsable: boolean) => {
        signal?.removeEventListener('abort', abort);
        if (isUsable) this.#keep(key, connection);
        else connection.destroy();
      };
      try {
        const head = await connection.request(url, headers);
        return { head, address: connection.address, body: new BulkBody(connection, head, release) };
      } catch (error) {
        release(false);
        signal?.throwIfAborted();
        // The server may have closed a reused connection while it was idle, so the request is sent on a new one.
        if (reused === undefined) throw error;
      }
    }
  }

  /** Closes the idle connections. */
  closeIdle(): void {
    for (const idle of this.#idle.values()) for (const connection of idle.splice(0)) connection.destroy();
  }

  #keep(key: string, connection: BulkConnection): void {
    const idle = this.#idle.get(key) ?? [];
    this.#idle.set(key, idle);
    idle.push(connection);
    connection.closeWhenIdle(MAX_IDLE_MS, () => {
      const at = idle.indexOf(connection);
      if (at !== -1) idle.splice(at, 1);
    });
    if (idle.length > MAX_IDLE) idle.shift()?.destroy();
  }
}

/** Maximum number of bytes read from the chunked body of an error response. */
const MAX_ERROR_BYTES = 16 * 1024;

/** The body of one response. */
class BulkBody {
  readonly #connection: BulkConnection;
  readonly #release: (isUsable: boolean) => void;
  readonly #keepAlive: boolean;
  readonly #isChunkedError: boolean;
  #remaining: number;
  #isReleased = false;

  constructor(connection: BulkConnection, head: ResponseHead, release: (isUsable: boolean) => void) {
    const { status, headers, length, keepAlive } = head;
    const isError = status >= 400;
    this.#connection = connection;
    this.#release = release;
    // A server that limits connections may count this one until it is closed.
    this.#keepAlive = keepAlive && length !== undefined && !isError;
    this.#isChunkedError = isError && /^chunked$/i.test(headers['transfer-encoding'] ?? '');
    this.#remaining = length ?? 0;
    if (this.#remaining === 0 && !this.#isChunkedError) this.destroy();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      if (this.#isChunkedError && !this.#isReleased) yield await this.#readChunks();
      while (this.#remaining > 0) {
        const bytes = await this.#connection.read(this.#remaining);
        this.#remaining -= bytes.length;
        yield bytes;
      }
    } finally {
      this.destroy();
    }
  }

  /** Decodes the chunked body of an error response, which is short (RFC 9112, 7.1). */
  async #readChunks(): Promise<Uint8Array> {
    let raw = '';
    while (raw.length < MAX_ERROR_BYTES && !/(?:^|\r\n)0\r\n/.test(raw)) {
      raw += (await this.#connection.read(MAX_ERROR_BYTES)).toString('latin1');
    }
    let text = '';
    for (let at = 0; at < raw.length; ) {
      const [line = '', size = ''] = /^([0-9a-f]{1,8})[^\r\n]*\r\n/i.exec(raw.slice(at, at + 64)) ?? [];
      const length = Number.parseInt(size, 16);
      if (!(length > 0)) break;
      text += raw.slice(at + line.length, at + line.length + length);
      at += line.length + length + 2;
    }
    return Buffer.from(text, 'latin1');
  }

  destroy(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    if (this.#keepAlive) this.#connection.drain(this.#remaining).then(this.#release, () => this.#release(false));
    else this.#release(false);
  }
}
