import { connect as connectPlain, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import { type AnswerHead, MAX_HEAD_BYTES, readHead } from './answer-head.ts';

/** Bytes read at a time, into the same memory again and again: as many as a socket has waiting on a fast line. */
const READ_BYTES = 512 * 1024;
/** A body nobody wants is read to its end when no more than this is left of it: then its connection serves again. */
const MAX_UNWANTED_BYTES = 16 * 1024;

/** Why a bulk connection ended. `code` is the system's where it was the system that said so. */
export class ConnectionFault extends Error {
  readonly code: string;

  constructor(code: 'ECONNRESET' | 'ETIMEDOUT' | 'EPROTO', message: string) {
    super(message);
    this.code = code;
  }
}

/** How long a connection may take. Milliseconds. */
export interface BulkTimeouts {
  /** To connect. */
  readonly connectMs: number;
  /** Longest without a byte. */
  readonly stallMs: number;
}

/**
 * One connection to a server, for answers that are large: their bytes are read from the socket into memory that is used
 * again for the next ones, and nothing else touches them. Why not Node's HTTP client (one run over loopback, 1 GiB): it
 * takes 2.2 times the wall time and 2.2 to 2.6 times the processor time of the whole host, and 183 instead of 128 MiB.
 *
 * It knows what such an answer needs and no more: a `GET`, a head, a body of a length told beforehand.
 */
export class BulkConnection {
  readonly #socket: Socket;
  readonly #timeouts: BulkTimeouts;
  /** Bytes that came and have not been taken. */
  #waiting: Buffer | undefined;
  #isConnected = false;
  #ended = false;
  #fault: unknown;
  #wake: (() => void) | undefined;
  #resting: NodeJS.Timeout | undefined;

  constructor(url: URL, timeouts: BulkTimeouts) {
    this.#timeouts = timeouts;
    const isSecure = url.protocol === 'https:';
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const port = Number(url.port) || (isSecure ? 443 : 80);
    const onread: OnReadOpts = {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback: (length, bytes) => {
        this.#waiting = Buffer.from(bytes.buffer, bytes.byteOffset, length);
        this.#wake?.();
        // Nothing more is read before these have been taken.
        return false;
      },
    };
    const options = { host, port, onread, noDelay: true };
    this.#socket = isSecure
      ? connectSecure({ ...options, ...(/[a-z]/i.test(host) ? { servername: host } : {}), ALPNProtocols: ['http/1.1'] })
      : connectPlain(options);
    this.#socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      this.#isConnected = true;
      this.#wake?.();
    });
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.on('end', () => this.#end());
    this.#socket.on('close', () => this.#end());
  }

  /** Sends a request and reads the head of its answer. The body is to be read, or the connection destroyed. */
  async request(url: URL, headers: Readonly<Record<string, string>>): Promise<AnswerHead> {
    clearTimeout(this.#resting);
    this.#socket.ref();
    await this.#until(() => this.#isConnected, this.#timeouts.connectMs);
    const lines = Object.entries({ host: url.host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
    for (;;) {
      const head = await this.#readHead();
      // Interim answers, such as 103.
      if (head.status >= 200) return head;
    }
  }

  /** The next bytes of a body, `most` at most: good until the next call. Throws when the connection ends first. */
  async read(most: number): Promise<Buffer> {
    const bytes = await this.#next();
    if (bytes.length <= most) return bytes;
    this.#waiting = bytes.subarray(most);
    return bytes.subarray(0, most);
  }

  /** Reads away what is left of a body when that is little; says whether the connection can serve again. */
  async finish(left: number): Promise<boolean> {
    if (left > MAX_UNWANTED_BYTES) return false;
    for (let rest = left; rest > 0; ) rest -= (await this.read(rest)).length;
    // More than was announced: whose bytes these are, nobody can say.
    return this.#waiting === undefined && !this.#ended;
  }

  /** Ends it unless it is used again within `ms` milliseconds, and says so. The process may end meanwhile. */
  rest(ms: number, onEnd: () => void): void {
    this.#socket.unref();
    this.#resting = setTimeout(() => {
      this.destroy();
      onEnd();
    }, ms).unref();
  }

  /** Ends it. Whoever reads gets `reason`. */
  destroy(reason?: unknown): void {
    this.#end(reason ?? new ConnectionFault('ECONNRESET', 'the connection was given up'));
    this.#socket.destroy();
  }

  async #readHead(): Promise<AnswerHead> {
    let text = '';
    for (;;) {
      const bytes = await this.#next();
      const before = text.length;
      text += bytes.toString('latin1');
      const end = text.indexOf('\r\n\r\n', Math.max(0, before - 3));
      if (end > MAX_HEAD_BYTES || (end === -1 && text.length > MAX_HEAD_BYTES)) break;
      if (end === -1) continue;
      const rest = bytes.subarray(end + 4 - before);
      if (rest.length > 0) this.#waiting = rest;
      const head = readHead(text.slice(0, end));
      if (head === undefined) break;
      return head;
    }
    throw new ConnectionFault('EPROTO', 'the answer is not HTTP as it should be');
  }

  async #next(): Promise<Buffer> {
    if (this.#waiting === undefined) {
      this.#socket.resume();
      await this.#until(() => this.#waiting !== undefined, this.#timeouts.stallMs);
    }
    const bytes = this.#waiting;
    this.#waiting = undefined;
    return bytes ?? Buffer.alloc(0);
  }

  /** Waits for something the server does, and no longer than `ms` milliseconds. */
  async #until(isSo: () => boolean, ms: number): Promise<void> {
    const timer = setTimeout(() => this.destroy(new ConnectionFault('ETIMEDOUT', 'no answer in time')), ms);
    try {
      while (!isSo() && !this.#ended) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
    }
    if (!isSo()) throw this.#fault ?? new ConnectionFault('ECONNRESET', 'the connection was interrupted');
  }

  #end(fault?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#fault = fault;
    this.#wake?.();
  }
}
