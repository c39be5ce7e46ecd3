import type { Embedded, EmbedRequest } from '../models/embedding.ts';
import { assertUsed, type GenerateRequest, type GenerationResult } from '../models/generation.ts';
import type { GenerationOptions } from '../models/model-engine.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { readEmbeddings } from './embedding-answer.ts';
import { unexpectedResponse } from './error-responses.ts';
import { type RemoteModelFacts, readModelList } from './model-list.ts';
import { retryRemote } from './remote-error.ts';
import { RemoteOutput } from './remote-output.ts';
import { generationRequest } from './request-body.ts';
import { streamGeneration } from './stream-generation.ts';

/** One remote engine at its present address. It keeps no state. */
export class RemoteEngine {
  readonly #connection: Connection;

  constructor(options: ConnectionOptions) {
    this.#connection = new Connection(options);
  }

  get name(): string {
    return this.#connection.name;
  }

  /**
   * The models it serves now.
   *
   * @param options.once Without retries, for a list that others wait for.
   * @throws HostError `REMOTE_UNREACHABLE`, `REMOTE_ERROR`, `UNAUTHORIZED`, `RATE_LIMITED`, `REDIRECT_REFUSED`.
   */
  async models(
    options: { signal?: AbortSignal | undefined; once?: boolean; timeoutMs?: number } = {},
  ): Promise<RemoteModelFacts[]> {
    const { retryBaseMs, connectTimeoutMs } = this.#connection.options;
    const { signal, timeoutMs = connectTimeoutMs } = options;
    const ask = () => this.#connection.whole({ path: '/models' }, timeoutMs, signal);
    const text = await (options.once === true ? ask() : retryRemote(ask, retryBaseMs, signal));
    const models = readModelList(text);
    if (models === undefined) throw unexpectedResponse(this.name, 'a list of models');
    return models;
  }

  /**
   * Generates text. A transient error is retried until the first text has arrived, never after that.
   *
   * @param stop When aborted, the generation ends with the text received so far.
   * @throws HostError what {@link RemoteEngine.models} throws, `REMOTE_CUT` for an answer without its end,
   * `CONTEXT_OVERFLOW`, `INVALID_REQUEST`, `GENERATION_FAILED`; the signal's reason when aborted.
   */
  async generate(
    model: string,
    order: GenerateRequest,
    { signal, stop, onProgress }: GenerationOptions,
  ): Promise<GenerationResult> {
    const { endpoint, retryBaseMs } = this.#connection.options;
    const { ignored, ...request } = generationRequest(order, model, endpoint);
    assertUsed(ignored, order.strict);
    const output = new RemoteOutput((progress) => onProgress?.(progress), ignored);
    const either = AbortSignal.any([signal, stop]);
    const once = () => streamGeneration(this.#connection, request, output, either);
    try {
      return output.result(await retryRemote(once, retryBaseMs, either));
    } catch (error) {
      signal.throwIfAborted();
      if (stop.aborted) return output.result('stopped');
      throw error;
    }
  }

  /**
   * Embeds texts, all in one request. The engine decides whether one that is too long is cut or rejected.
   *
   * @throws HostError as {@link RemoteEngine.generate}.
   */
  async embed(model: string, { texts }: EmbedRequest, signal: AbortSignal): Promise<Embedded[]> {
    const { endpoint, retryBaseMs } = this.#connection.options;
    const body = { model, input: texts.map(({ text }) => text), encoding_format: 'float' };
    const ask = () => this.#connection.whole({ path: '/embeddings', body }, endpoint.firstTextMs, signal);
    const embedded = readEmbeddings(await retryRemote(ask, retryBaseMs, signal), texts.length);
    if (embedded === undefined) throw unexpectedResponse(this.name, 'one vector for each text');
    return embedded;
  }
}
