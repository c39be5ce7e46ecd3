import type { IncomingMessage } from 'node:http';
import { isHostError } from '../common/errors.ts';
import type { ProxyRoutes } from '../hub/proxy.ts';
import { Deadline } from './deadline.ts';
import type { Endpoint } from './endpoint.ts';
import { noResponse, responseError, unexpectedResponse } from './error-responses.ts';
import { codeOf, type RemoteRequest, send } from './http.ts';
import { RemoteError } from './remote-error.ts';

/**
 * Maximum size of a response body other than a stream, in bytes: a list of models, or the embeddings of a request, at
 * most 16 vectors of 16,384 numbers with 22 characters each. Parsing 60 MB blocks the host for a second.
 */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** Options for connecting to an engine. */
export interface ConnectionOptions {
  readonly endpoint: Endpoint;
  readonly key: string | undefined;
  readonly proxies: ProxyRoutes;
  /** Pause before the first retry, in milliseconds. */
  readonly retryBaseMs: number;
  /** Time limit for connecting, and for returning a list, in milliseconds. */
  readonly connectTimeoutMs: number;
}

/** The connection to an engine: sends requests to its address with its API key, and converts errors. */
export class Connection {
  readonly options: ConnectionOptions;

  constructor(options: ConnectionOptions) {
    this.options = options;
  }

  get name(): string {
    return this.options.endpoint.name;
  }

  /** Sends a request once. Resolves with a successful response whose body has not been read; otherwise throws. */
  async send(request: Omit<RemoteRequest, 'endpoint' | 'key'>, deadline: Deadline): Promise<IncomingMessage> {
    const { endpoint, key, proxies } = this.options;
    const answer = await send({ ...request, endpoint, key }, proxies, deadline);
    if (answer.statusCode === 200) return answer;
    throw await responseError(answer, endpoint, key);
  }

  /** Sends a request once. Resolves with the text of the response. `timeoutMs`: time limit after connecting. */
  async whole(
    request: Pick<RemoteRequest, 'path' | 'body'>,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    const deadline = new Deadline(signal);
    const allow = (ms: number) => deadline.allow(ms, () => noResponse(this.name, ms));
    allow(Math.min(timeoutMs, this.options.connectTimeoutMs));
    try {
      const onConnected = () => allow(timeoutMs);
      const answer = await this.send({ ...request, accept: 'application/json', onConnected }, deadline);
      return await this.#read(answer, deadline);
    } finally {
      deadline.end();
    }
  }

  async #read(answer: IncomingMessage, { signal }: Deadline): Promise<string> {
    const pieces: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const piece of answer as AsyncIterable<Buffer>) {
        pieces.push(piece);
        bytes += piece.length;
        if (bytes > MAX_BODY_BYTES) throw unexpectedResponse(this.name, `an answer of at most ${MAX_BODY_BYTES} bytes`);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (isHostError(error)) throw error;
      throw new RemoteError('REMOTE_UNREACHABLE', `The connection to remote engine "${this.name}" was interrupted.`, {
        transient: true,
        details: { engine: this.name, cause: codeOf(error) },
      });
    } finally {
      answer.destroy();
    }
    return Buffer.concat(pieces).toString('utf8');
  }
}
