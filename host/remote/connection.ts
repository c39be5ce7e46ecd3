import type { IncomingMessage } from 'node:http';
import { isHostError } from '../common/errors.ts';
import type { ProxyRoutes } from '../hub/proxy.ts';
import { Deadline } from './deadline.ts';
import type { Endpoint } from './endpoint.ts';
import { nonsense, silent } from './engine-faults.ts';
import { codeOf, type RemoteRequest, send } from './http.ts';
import { refusal } from './refusals.ts';
import { RemoteFault } from './remote-fault.ts';

/** Longest body taken that is no stream, bytes: a list of models, or embeddings of one request. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** What an engine is reached with. */
export interface ConnectionOptions {
  readonly endpoint: Endpoint;
  readonly key: string | undefined;
  readonly proxies: ProxyRoutes;
  /** The pause before a request is tried again, milliseconds. */
  readonly retryBaseMs: number;
  /** Time for a connection to be made and a list to be answered, milliseconds. */
  readonly connectTimeoutMs: number;
}

/** The way to one engine: its address, its key, and what its refusals mean. */
export class Connection {
  readonly options: ConnectionOptions;

  constructor(options: ConnectionOptions) {
    this.options = options;
  }

  get name(): string {
    return this.options.endpoint.name;
  }

  /** Sends a request once and resolves with a success, its body unread. Throws the fault any other answer is. */
  async send(request: Omit<RemoteRequest, 'endpoint' | 'key'>, patience: Deadline): Promise<IncomingMessage> {
    const { endpoint, key, proxies } = this.options;
    const answer = await send({ ...request, endpoint, key }, proxies, patience);
    if (answer.statusCode === 200) return answer;
    throw await refusal(answer, endpoint, key);
  }

  /** Sends a request once and resolves with the text of its answer, which has `timeoutMs` from when the connection stands. */
  async whole(
    request: Pick<RemoteRequest, 'path' | 'body'>,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    const patience = new Deadline(signal);
    const allow = (ms: number) => patience.allow(ms, () => silent(this.name, ms));
    allow(Math.min(timeoutMs, this.options.connectTimeoutMs));
    try {
      const onConnected = () => allow(timeoutMs);
      const answer = await this.send({ ...request, accept: 'application/json', onConnected }, patience);
      return await this.#read(answer, patience);
    } finally {
      patience.end();
    }
  }

  async #read(answer: IncomingMessage, { signal }: Deadline): Promise<string> {
    const pieces: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const piece of answer as AsyncIterable<Buffer>) {
        pieces.push(piece);
        bytes += piece.length;
        if (bytes > MAX_BODY_BYTES) throw nonsense(this.name, `an answer of at most ${MAX_BODY_BYTES} bytes`);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (isHostError(error)) throw error;
      throw new RemoteFault('REMOTE_UNREACHABLE', `The answer of the engine "${this.name}" was cut.`, {
        transient: true,
        details: { engine: this.name, cause: codeOf(error) },
      });
    } finally {
      answer.destroy();
    }
    return Buffer.concat(pieces).toString('utf8');
  }
}
