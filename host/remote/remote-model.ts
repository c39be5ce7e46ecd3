import { HostError, isHostError } from '../common/errors.ts';
import { modelNotCapable } from '../common/host-errors.ts';
import type { Embedded, EmbedRequest, RankRequest } from '../models/embedding.ts';
import type { GenerateRequest, GenerationResult, PromptInput } from '../models/generation.ts';
import type {
  EngineModel,
  FreedMemory,
  GenerationOptions,
  LoadedModel,
  RequestOptions,
} from '../models/model-engine.ts';
import { charactersOf, turnCount, withoutOldestTurns } from '../models/turns.ts';
import type { RemoteId } from '../protocol/remote-id.ts';
import { type RemoteModelFacts, unlistedModel } from './model-list.ts';
import type { RemoteEngine } from './remote-engine.ts';

/** Characters per token in English text, for estimating a number of tokens that only the engine can count. */
const TYPICAL_CHARACTERS_PER_TOKEN = 4;

/**
 * A model of a remote engine. It is "loaded" if the engine responded and has the model. `connect` is called for each
 * request, so the engine may restart, move or get another API key in between.
 */
export class RemoteModel implements EngineModel {
  readonly info: LoadedModel;
  readonly lost: Promise<HostError>;
  readonly #name: RemoteId;
  readonly #connect: () => Promise<RemoteEngine>;
  readonly #reportLost: (error: HostError) => void;

  constructor(name: RemoteId, info: LoadedModel, connect: () => Promise<RemoteEngine>) {
    this.info = info;
    this.#name = name;
    this.#connect = connect;
    const lost = Promise.withResolvers<HostError>();
    this.lost = lost.promise;
    this.#reportLost = lost.resolve;
  }

  /**
   * Generates text. Requests run concurrently if the engine supports it.
   *
   * @throws HostError `MODEL_NOT_LOADED` if the engine no longer has the model, and as {@link RemoteEngine.generate}.
   */
  generate(request: GenerateRequest, options: GenerationOptions): Promise<GenerationResult> {
    return this.#use(options.signal, (engine) =>
      trimmed(request, (shorter) => engine.generate(this.#name.model, shorter, options)),
    );
  }

  /** @throws HostError as {@link generate}. */
  embed(request: EmbedRequest, { signal }: RequestOptions): Promise<readonly Embedded[]> {
    return this.#use(signal, (engine) => engine.embed(this.#name.model, request, signal));
  }

  /** @throws HostError `MODEL_NOT_CAPABLE`: OpenAI's API has no ranking. */
  async rank(_request: RankRequest, _options: RequestOptions): Promise<never> {
    throw modelNotCapable(this.info.id, 'rank', 'its engine does not support it');
  }

  /** @throws HostError `MODEL_NOT_CAPABLE`: OpenAI's API does not return the prompt of a model. */
  async render(_input: PromptInput): Promise<never> {
    throw tokenizerUnavailable(this.info.id);
  }

  /** @throws HostError as {@link render}. */
  async countTokens(_texts: readonly string[]): Promise<never> {
    throw tokenizerUnavailable(this.info.id);
  }

  async memory(): Promise<FreedMemory> {
    return { ramFreed: 0, vramFreed: 0 };
  }

  /** Does nothing: the engine decides whether it keeps the model in memory. */
  async unload(): Promise<void> {}

  async #use<T>(signal: AbortSignal, run: (engine: RemoteEngine) => Promise<T>): Promise<T> {
    const engine = await this.#connect();
    signal.throwIfAborted();
    try {
      return await run(engine);
    } catch (error) {
      throw (await this.#lostError(engine, error)) ?? error;
    }
  }

  /** Returns the error if the engine no longer has the model. Checks its list after a response with status 404. */
  async #lostError(engine: RemoteEngine, error: unknown): Promise<HostError | undefined> {
    if (!isHostError(error, 'REMOTE_ERROR') || error.details?.status !== 404) return undefined;
    try {
      await findModel(engine, this.#name, {});
      return undefined;
    } catch (missing) {
      if (!isHostError(missing, 'REMOTE_MODEL_NOT_FOUND')) return undefined;
    }
    const { engine: name, model, id } = this.#name;
    const lost = new HostError('MODEL_NOT_LOADED', `Remote engine "${name}" no longer has the model ${model}.`, {
      details: { modelId: id },
    });
    this.#reportLost(lost);
    return lost;
  }
}

/**
 * Sends a conversation. If the request allows it, omits half of the remaining turns whenever the engine reports that
 * the conversation is too long: only the engine knows how many tokens fit.
 */
async function trimmed(
  request: GenerateRequest,
  generate: (request: GenerateRequest) => Promise<GenerationResult>,
): Promise<GenerationResult> {
  const { input } = request;
  if ('prompt' in input || input.chat?.trimFor === undefined) return generate(request);
  const turns = turnCount(input.messages);
  for (let left = turns, dropped = 0; ; left -= Math.ceil(left / 2)) {
    const shorter = withoutOldestTurns(input.messages, dropped);
    try {
      const result = await generate(
        dropped === 0 ? request : { ...request, input: { ...input, messages: shorter.messages } },
      );
      if (dropped === 0) return result;
      const tokens = Math.ceil(charactersOf(shorter.dropped) / TYPICAL_CHARACTERS_PER_TOKEN);
      return { ...result, trimmed: { messages: shorter.dropped.length, tokens } };
    } catch (error) {
      if (left < 2 || !isHostError(error, 'CONTEXT_OVERFLOW')) throw error;
      dropped = turns - left + Math.ceil(left / 2);
    }
  }
}

/**
 * Finds a model in an engine's list. Models in the configuration (`configured`) need not be listed.
 *
 * @throws HostError `REMOTE_MODEL_NOT_FOUND`, and as {@link RemoteEngine.models}.
 */
export async function findModel(
  engine: RemoteEngine,
  { model, engine: name }: RemoteId,
  { configured, signal }: { configured?: readonly string[] | undefined; signal?: AbortSignal },
): Promise<RemoteModelFacts> {
  const isConfigured = configured?.includes(model) === true;
  const models = await engine.models({ signal }).catch((error: unknown) => {
    // Some engines serve a model but do not support listing.
    if (isConfigured && isHostError(error, 'REMOTE_ERROR')) return [];
    throw error;
  });
  const facts = models.find((listed) => listed.model === model);
  if (facts !== undefined) return facts;
  if (isConfigured) return unlistedModel(model);
  throw new HostError('REMOTE_MODEL_NOT_FOUND', `Remote engine "${name}" has no model named "${model}".`, {
    details: { engine: name, model },
  });
}

/** Returns the description of a remote model, which uses no memory of this computer. */
export function describeRemote({ id }: RemoteId, facts: RemoteModelFacts, loadTimeMs: number): LoadedModel {
  return {
    id,
    backend: 'Remote',
    modelType: 'remote',
    architecture: '',
    quantization: '',
    vocabSize: facts.vocabSize,
    embeddingDim: facts.embeddingDim,
    contextSize: facts.contextSize,
    trainContextSize: facts.trainContextSize,
    fileSize: facts.size,
    gpuLayers: 0,
    cpuLayers: 0,
    loadedTo: 'REMOTE',
    cpuVariant: null,
    loadTimeMs,
    ramUsed: 0,
    mappedBytes: 0,
    vramUsed: 0,
    loadedAt: Math.floor(Date.now() / 1000),
  };
}

function tokenizerUnavailable(modelId: string): HostError {
  return new HostError(
    'MODEL_NOT_CAPABLE',
    `Only the engine that runs ${modelId} knows its prompts and tokens. Use a model that this host runs.`,
    { details: { modelId } },
  );
}
