import type { IncomingMessage } from 'node:http';
import { HostError } from '../errors.ts';
import type { ProxyRoutes } from '../hub/proxy.ts';
import type { GenerateOrder, GenerationResult } from '../serving/generation.ts';
import type { GenerateOptions } from '../serving/model-server.ts';
import { readChunk } from './chunk.ts';
import type { Endpoint } from './endpoint.ts';
import { EventStreamFault, readEvents } from './event-stream.ts';
import { codeOf, type RemoteRequest, send } from './http.ts';
import { type RemoteModelFacts, readModelList } from './model-list.ts';
import { Patience } from './patience.ts';
import { readSaid, refusal, refusedRequest } from './refusals.ts';
import { RemoteFault } from './remote-fault.ts';
import { RemoteOutput } from './remote-output.ts';
import { generationRequest } from './request-body.ts';
import { retryRemote } from './retry.ts';

/** Longest body taken that is no stream, bytes: a list of models, or embeddings of one request. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** What an engine is reached with. */
export interface RemoteEngineOptions {
  readonly endpoint: Endpoint;
  readonly key: string | undefined;
  readonly proxies: ProxyRoutes;
  /** The pause before a request is tried again, milliseconds. */
  readonly retryBaseMs: number;
  /** Time for a connection to be made and a list to be answered, milliseconds. */
  readonly connectTimeoutMs: number;
}

/** One engine elsewhere, as it is reached now. It holds no connection and no state of its own. */
export class RemoteEngine {
  readonly #options: RemoteEngineOptions;

  constructor(options: RemoteEngineOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.endpoint.name;
  }

  /**
   * The models it serves now.
   *
   * @param options.once Asked once: for a list that others wait for.
   * @throws HostError `REMOTE_UNREACHABLE`, `REMOTE_ERROR`, `UNAUTHORIZED`, `RATE_LIMITED`, `REDIRECT_REFUSED`.
   */
  async models(
    options: { signal?: AbortSignal | undefined; once?: boolean; timeoutMs?: number } = {},
  ): Promise<RemoteModelFacts[]> {
    const ask = () =>
      this.#whole({ path: '/models' }, options.timeoutMs ?? this.#options.connectTimeoutMs, options.signal);
    const text = await (options.once === true ? ask() : retryRemote(ask, this.#options.retryBaseMs, options.signal));
    const models = readModelList(text);
    if (models === undefined) throw this.#nonsense('a list of models');
    return models;
  }

  /**
   * Generates text. A fault that may pass is tried again until the first text has come, never after.
   *
   * @param stop Aborted to have the generation end with what has come.
   * @throws HostError what {@link RemoteEngine.models} throws, `REMOTE_CUT` for an answer without its end,
   * `CONTEXT_OVERFLOW`, `INVALID_REQUEST`, `GENERATION_FAILED`; the signal's reason when aborted.
   */
  async generate(
    model: string,
    order: GenerateOrder,
    { signal, onProgress, stop }: Pick<GenerateOptions, 'signal' | 'onProgress'> & { stop: AbortSignal },
  ): Promise<GenerationResult> {
    const request = generationRequest(order, model, this.#options.endpoint);
    const output = new RemoteOutput((progress) => onProgress?.(progress));
    const either = signal === undefined ? stop : AbortSignal.any([signal, stop]);
    try {
      const reason = await retryRemote(() => this.#stream(request, output, either), this.#options.retryBaseMs, either);
      return output.result(reason);
    } catch (error) {
      signal?.throwIfAborted();
      if (stop.aborted) return output.result('stopped');
      throw error;
    }
  }

  /** A request whose answer is read as a whole. */
  async post(path: RemoteRequest['path'], body: RemoteRequest['body'], signal?: AbortSignal): Promise<string> {
    const ask = () =>
      this.#whole({ path, ...(body === undefined ? {} : { body }) }, this.#options.endpoint.firstTextMs, signal);
    return retryRemote(ask, this.#options.retryBaseMs, signal);
  }

  async #whole(
    request: Pick<RemoteRequest, 'path' | 'body'>,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    const patience = new Patience(signal);
    patience.allow(timeoutMs, () => this.#silent(timeoutMs));
    try {
      const answer = await this.#send({ ...request, accept: 'application/json' }, patience);
      return await this.#readWhole(answer, patience);
    } finally {
      patience.end();
    }
  }

  async #send(request: Omit<RemoteRequest, 'endpoint' | 'key'>, patience: Patience): Promise<IncomingMessage> {
    const { endpoint, key, proxies } = this.#options;
    const answer = await send({ ...request, endpoint, key }, proxies, patience);
    if (answer.statusCode === 200) return answer;
    throw await refusal(answer, endpoint, key);
  }

  async #readWhole(answer: IncomingMessage, { signal }: Patience): Promise<string> {
    const pieces: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const piece of answer as AsyncIterable<Buffer>) {
        pieces.push(piece);
        bytes += piece.length;
        if (bytes > MAX_BODY_BYTES) throw this.#nonsense(`an answer of at most ${MAX_BODY_BYTES} bytes`);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof HostError) throw error;
      throw new RemoteFault('REMOTE_UNREACHABLE', `The answer of the engine "${this.name}" was cut.`, {
        transient: true,
        details: { engine: this.name, cause: codeOf(error) },
      });
    } finally {
      answer.destroy();
    }
    return Buffer.concat(pieces).toString('utf8');
  }

  /** One try of a generation; resolves with why it ended. */
  async #stream(
    request: ReturnType<typeof generationRequest>,
    output: RemoteOutput,
    signal: AbortSignal,
  ): Promise<'stop' | 'length'> {
    const { connectTimeoutMs, endpoint } = this.#options;
    const { firstTextMs, idleMs } = endpoint;
    const patience = new Patience(signal);
    patience.allow(connectTimeoutMs, () => this.#silent(connectTimeoutMs));
    const onConnected = () => patience.allow(firstTextMs, () => this.#silent(firstTextMs));
    let answer: IncomingMessage | undefined;
    try {
      answer = await this.#send({ ...request, accept: 'text/event-stream', onConnected }, patience);
      if (!/^text\/event-stream\b/i.test(answer.headers['content-type'] ?? ''))
        throw this.#nonsense('a stream of events');
      return await this.#read(answer, output, () => {
        // Until there is text, an engine may be reading the prompt, and say so by comments.
        if (output.pieces > 0)
          patience.allow(idleMs, () => this.#cut(output, `nothing came for ${idleMs / 1000} seconds`));
      });
    } catch (error) {
      patience.signal.throwIfAborted();
      if (error instanceof HostError) throw error;
      if (error instanceof EventStreamFault) throw this.#nonsense('events of a generation', error.message);
      throw this.#cut(output, `the connection was cut (${codeOf(error)})`);
    } finally {
      patience.end();
      answer?.destroy();
    }
  }

  async #read(answer: IncomingMessage, output: RemoteOutput, onPiece: () => void): Promise<'stop' | 'length'> {
    let finish: string | undefined;
    for await (const data of readEvents(answer as AsyncIterable<Buffer>, onPiece)) {
      if (data === '[DONE]') return this.#ended(finish ?? 'stop');
      const chunk = readChunk(data);
      if (chunk === undefined) throw this.#nonsense('events of a generation');
      if (chunk.isFault) throw this.#failed(data);
      output.push(chunk);
      // From its first text on another patience holds.
      onPiece();
      finish = chunk.finishReason ?? finish;
      if (output.isFull) return 'length';
    }
    // Some engines end without a last word; without a reason to end, an end is a cut.
    if (finish !== undefined) return this.#ended(finish);
    throw this.#cut(output, 'the connection ended');
  }

  #ended(reason: string): 'stop' | 'length' {
    if (reason === 'content_filter') {
      throw new RemoteFault('GENERATION_FAILED', `The engine "${this.name}" withheld the rest of its answer.`, {
        details: { engine: this.name, reason },
      });
    }
    return reason === 'length' ? 'length' : 'stop';
  }

  /** A fault told in the middle of an answer. */
  #failed(data: string): RemoteFault {
    const said = readSaid(data, this.#options.key);
    const overflow = refusedRequest(said, this.#options.endpoint, { engine: this.name });
    if (overflow.code === 'CONTEXT_OVERFLOW') return overflow;
    const words = said.message === '' ? '' : ` It says: ${said.message}`;
    return new RemoteFault('GENERATION_FAILED', `The engine "${this.name}" failed while it generated.${words}`, {
      details: { engine: this.name },
    });
  }

  #cut({ pieces }: RemoteOutput, how: string): RemoteFault {
    return new RemoteFault('REMOTE_CUT', `The answer of the engine "${this.name}" broke off: ${how}.`, {
      // Text that was passed on cannot be taken back: only what has not begun can begin again.
      transient: pieces === 0,
      details: { engine: this.name, pieces },
    });
  }

  #silent(ms: number): RemoteFault {
    return new RemoteFault(
      'REMOTE_UNREACHABLE',
      `The engine "${this.name}" did not answer within ${ms / 1000} seconds.`,
      {
        details: { engine: this.name, timeoutSeconds: ms / 1000 },
      },
    );
  }

  #nonsense(expected: string, found?: string): RemoteFault {
    return new RemoteFault(
      'REMOTE_ERROR',
      `Expected ${expected} from the engine "${this.name}", got something else${found === undefined ? '' : `: ${found}`}. Is its \`url\` in config.json that of an OpenAI-compatible API?`,
      { details: { engine: this.name, expected } },
    );
  }
}
