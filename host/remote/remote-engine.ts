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

/** A remote engine at its current address. Stateless. */
export class RemoteEngine {
  readonly #connection: Connection;

  constructor(options: ConnectionOptions) {
    this.#connection = new Connection(options);
  }

  get name(): string {
    return this.#connection.name;
  }

  /**
   * Returns the models that it serves.
   *
   * @param options.once Whether to send the request only once, without retries.
   * @throws HostError `REMOTE_UNREACHABLE`, `REMOTE_ERROR`, `UNAUTHORIZED`, `RATE_LIMITED`, `REDIRECT_REFUSED`.
   */
  async models(
    options: { signal?: AbortSignal | undefined; once?: boolean; timeoutMs?: number } = {},
  ): Promise<RemoteModelFacts[]> {
    const { retryBaseMs, connectTimeoutMs } = this.#connection.options;
    const { signal, timeoutMs = connectTimeoutMs } = options;
    const attempt = () => this.#connection.whole({ path: '/models' }, timeoutMs, signal);
    const text = await (options.once === true ? attempt() : retryRemote(attempt, retryBaseMs, signal));
    const models = readModelList(text);
    if (models === undefined) throw unexpectedResponse(this.name, 'a list of models');
    return models;
  }

  /**
   * Generates text. Retries after a transient error, but only before the first text has been received.
   *
   * @param stop When aborted, the generation ends with the text received so far.
   * @throws HostError the errors of {@link RemoteEngine.models}, `REMOTE_CUT` for an incomplete answer,
   * `CONTEXT_OVERFLOW`, `INVALID_REQUEST`, `GENERATION_FAILED`; the signal's reason when aborted.
   */
  async generate(
    model: string,
    request: GenerateRequest,
    { signal, stop, onProgress }: GenerationOptions,
  ): Promise<GenerationResult> {
    const { endpoint, retryBaseMs } = this.#connection.options;
    const { ignored, ...httpRequest } = generationRequest(request, model, endpoint);
    assertUsed(ignored, request.strict);
    const output = new RemoteOutput((progress) => onProgress?.(progress), ignored);
    const either = AbortSignal.any([signal, stop]);
    const once = () => streamGeneration(this.#connection, httpRequest, output, either);
    try {
      return output.result(await retryRemote(once, retryBaseMs, either));
    } catch (error) {
      signal.throwIfAborted();
      if (stop.aborted) return output.result('stopped');
      throw error;
    }
  }

  /**
   * Embeds texts, all in one request. Whether a text that is too long is truncated or rejected depends on the engine.
   *
   * @throws HostError as {@link RemoteEngine.generate}.
   */
  async embed(model: string, { texts }: EmbedRequest, signal: AbortSignal): Promise<Embedded[]> {
    const { endpoint, retryBaseMs } = this.#connection.options;
    const body = { model, input: texts.map(({ text }) => text), encoding_format: 'float' };
    const attempt = () => this.#connection.whole({ path: '/embeddings', body }, endpoint.firstTextMs, signal);
    const embedded = readEmbeddings(await retryRemote(attempt, retryBaseMs, signal), texts.length);
    if (embedded === undefined) throw unexpectedResponse(this.name, 'an embedding of each text');
    return embedded;
  }
}
