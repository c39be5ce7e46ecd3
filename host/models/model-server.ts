import type { HostError } from '../common/errors.ts';
import type { ProgressListener } from '../common/progress.ts';
import type { ModelAbilities } from '../gguf/abilities.ts';
import type { Embedded, EmbedRequest, Ranked, RankRequest } from './embedding.ts';
import type { GenerateRequest, GenerationProgress, GenerationResult } from './generation.ts';

/**
 * A model that answers. Sizes are bytes, measured; 0 where another machine's engine has not said.
 */
export interface ServedModel {
  readonly id: string;
  /** Which engine runs it, as clients are told. */
  readonly backend: 'Node-GGUF' | 'Node-BitNet' | 'Remote';
  readonly modelType: 'gguf' | 'bitnet' | 'remote';
  readonly architecture: string;
  readonly quantization: string;
  readonly vocabSize: number;
  readonly embeddingDim: number;
  readonly contextSize: number;
  readonly trainContextSize: number;
  readonly fileSize: number;
  readonly gpuLayers: number;
  readonly cpuLayers: number;
  readonly loadedTo: 'CPU' | 'GPU' | 'SPLIT' | 'REMOTE';
  /** The ggml CPU binary that is really loaded; null where the platform has a single one, and elsewhere. */
  readonly cpuVariant: string | null;
  readonly loadTimeMs: number;
  /** What the load added to the resident memory of this machine. */
  readonly ramUsed: number;
  /** What the load took of this machine's GPUs' memory, as the backend reports it. */
  readonly vramUsed: number;
  /** Unix seconds. */
  readonly loadedAt: number;
  /** What it can be asked for, where that is known before it is tried. */
  readonly abilities?: ModelAbilities;
  /** Said to the user with the success: a fallback that was taken, for example. */
  readonly notice?: string;
}

/** How a caller follows a generation, and by what others can find it. */
export interface GenerateOptions {
  /** Aborted when nobody wants the answer any more: the generation is stopped, and its reason thrown. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ProgressListener<GenerationProgress> | undefined;
  /** What the caller calls it; see `stopGenerations`. */
  readonly tag?: string | number | undefined;
}

/** How a caller gives up texts to be embedded or ranked. */
export interface EmbedOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What unloading gave back, bytes. */
export interface FreedMemory {
  readonly ramFreed: number;
  readonly vramFreed: number;
}

/** Why a model went that nobody unloaded: it was idle for so long, or another needed its memory. */
export type UnloadReason = 'idle' | 'room';

/** A change of what answers. `activeId` is the server's active model after it. */
export type ServerChange =
  | { readonly type: 'loaded'; readonly id: string; readonly activeId: string | null }
  | {
      readonly type: 'unloaded';
      readonly id: string;
      readonly activeId: string | null;
      /** Absent where somebody asked for it. */
      readonly reason?: UnloadReason;
    }
  /** What ran it died; `error` says how. */
  | { readonly type: 'lost'; readonly id: string; readonly activeId: string | null; readonly error: HostError };

/** Generations that were told to stop. */
export interface StoppedGenerations {
  readonly model: ServedModel;
  readonly count: number;
}

/**
 * What runs models, here or elsewhere: the engine of this host, and the engines the user named. How a model gets into
 * one differs and is no part of this; what can be asked of one that is loaded does not.
 */
export interface ModelServer {
  /** The model of this server that answers when a request names none. */
  readonly activeId: string | null;
  /** In the order they were loaded. */
  list(): readonly ServedModel[];
  get(id: string): ServedModel | undefined;
  /** @throws HostError `MODEL_NOT_LOADED`. */
  setActive(id: string): void;
  /** @throws HostError `MODEL_NOT_LOADED`, and what the server says; the signal's reason when aborted. */
  generate(id: string, order: GenerateRequest, options?: GenerateOptions): Promise<GenerationResult>;
  /**
   * Embeds some texts, in order. A server without it embeds nothing.
   *
   * @throws HostError `MODEL_NOT_LOADED`, `MODEL_NOT_CAPABLE`, and what the server says; the signal's reason when aborted.
   */
  embed?(id: string, order: EmbedRequest, options?: EmbedOptions): Promise<readonly Embedded[]>;
  /**
   * Scores some documents against a query, in order. A server without it ranks nothing.
   *
   * @throws HostError as {@link embed}.
   */
  rank?(id: string, order: RankRequest, options?: EmbedOptions): Promise<readonly Ranked[]>;
  /** Stops generations: of one model or of all, with one tag or with any. */
  stopGenerations(which?: {
    id?: string | undefined;
    tag?: string | number | undefined;
  }): readonly StoppedGenerations[];
  /** @throws HostError `MODEL_NOT_LOADED`. */
  unload(id: string): Promise<FreedMemory>;
  /** Resolves with the ids of what was unloaded. */
  unloadAll(): Promise<readonly string[]>;
  /** Hears of every model that comes, goes or is lost, until the returned function is called. */
  onChange(listener: (change: ServerChange) => void): () => void;
}
