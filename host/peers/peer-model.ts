import { HostError } from '../common/errors.ts';
import type { Embedded, EmbedRequest, Ranked, RankRequest } from '../models/embedding.ts';
import type {
  GenerateRequest,
  GenerationProgress,
  GenerationResult,
  PromptInput,
  RenderedPrompt,
} from '../models/generation.ts';
import type { RequestedSettings } from '../models/loaded-entry.ts';
import type {
  EngineModel,
  FreedMemory,
  GenerationOptions,
  LoadedModel,
  RequestOptions,
} from '../models/model-engine.ts';
import type { PeerConnection } from './peer-connection.ts';
import { type PackedEmbedding, unpack } from './peer-protocol.ts';

/** A model that another host of the user has loaded. */
export class PeerModel implements EngineModel {
  readonly info: LoadedModel;
  readonly loadedWith: RequestedSettings;
  readonly lost: Promise<HostError>;
  readonly #connection: PeerConnection;

  constructor(info: LoadedModel, loadedWith: RequestedSettings, connection: PeerConnection) {
    this.info = info;
    this.loadedWith = loadedWith;
    this.#connection = connection;
    this.lost = connection.closed.then(() => peerEnded(info.id));
  }

  generate(request: GenerateRequest, { signal, stop, onProgress }: GenerationOptions): Promise<GenerationResult> {
    const onEvent = (payload: unknown) => onProgress?.(payload as GenerationProgress);
    return this.#connection.request('GENERATE', { request }, { signal, stop, onEvent });
  }

  render(request: PromptInput): Promise<RenderedPrompt> {
    return this.#connection.request('RENDER', { request });
  }

  countTokens(request: readonly string[]): Promise<number> {
    return this.#connection.request('COUNT', { request });
  }

  async embed(request: EmbedRequest, { signal }: RequestOptions): Promise<readonly Embedded[]> {
    const packed = await this.#connection.request<PackedEmbedding[]>('EMBED', { request }, { signal });
    return packed.map(unpack);
  }

  rank(request: RankRequest, { signal }: RequestOptions): Promise<readonly Ranked[]> {
    return this.#connection.request('RANK', { request }, { signal });
  }

  /** Returns the memory that the other host reported when it loaded the model. */
  async memory(): Promise<FreedMemory> {
    return { ramFreed: this.info.ramUsed, vramFreed: this.info.vramUsed };
  }

  /** Stops all generations of the model, including those of other hosts. Returns their number. */
  stopAll(): Promise<number> {
    return this.#connection.request('STOP', {});
  }

  /** Closes the connection. The model stays loaded in the other host. */
  async unload(): Promise<void> {
    this.#connection.close();
    await this.#connection.closed;
  }

  /** Unloads the model in the other host. */
  async unloadThere(): Promise<FreedMemory> {
    try {
      return await this.#connection.request('UNLOAD', {});
    } finally {
      await this.unload();
    }
  }
}

/** Returns the error for a model whose host has ended or has unloaded it. */
export function peerEnded(modelId: string): HostError {
  return new HostError(
    'MODEL_NOT_LOADED',
    `${modelId} was loaded by another host of yours, which has ended or has unloaded it. Load it again.`,
    { details: { modelId } },
  );
}
