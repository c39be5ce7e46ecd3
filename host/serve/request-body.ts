import type { Readable } from 'node:stream';
import { isHostError } from '../common/errors.ts';
import type { JsonObject } from '../common/json.ts';
import { parseBody } from '../messaging/message-body.ts';
import { MAX_REQUEST_BYTES } from '../protocol/limits.ts';
import { ApiError } from './api-error.ts';

/** Most bytes of all bodies that are in memory at once: two of the largest. */
const MAX_TOTAL_BYTES = 2 * MAX_REQUEST_BYTES;

/** The bodies of running requests. Their bytes are counted as they arrive, whatever a request announces. */
export class RequestBodies {
  readonly #largest: number;
  readonly #most: number;
  #bytes = 0;

  constructor(largest = MAX_REQUEST_BYTES, most = MAX_TOTAL_BYTES) {
    this.#largest = largest;
    this.#most = most;
  }

  /**
   * Reads the body of a request, checks it like a frame, and runs work with it.
   *
   * @throws ApiError if it is too large; HostError `INVALID_JSON`.
   */
  async with<T>(incoming: Readable, work: (body: JsonObject) => Promise<T>): Promise<T> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of incoming) {
        const { length } = chunk as Buffer;
        bytes += length;
        this.#bytes += length;
        if (bytes > this.#largest) {
          const limit = `The body of a request has at most ${this.#largest} bytes.`;
          throw new ApiError(413, 'request_too_large', limit);
        }
        if (this.#bytes > this.#most) throw tooManyRequests();
        chunks.push(chunk as Buffer);
      }
      const body = parseBody(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
      if (isHostError(body)) throw body;
      chunks.length = 0;
      return await work(body);
    } finally {
      this.#bytes -= bytes;
    }
  }
}

/** The server has as many requests as it can have in memory. */
export function tooManyRequests(): ApiError {
  return new ApiError(429, 'too_many_requests', 'Too many requests are running. Try again when some have ended.');
}
