import type { HostError } from '../common/errors.ts';
import type { ProgressListener } from '../common/progress.ts';
import type { ModelAbilities } from '../gguf/abilities.ts';
import type { Embedded, EmbedRequest, Ranked, RankRequest } from './embedding.ts';
import type {
  ChatFormat,
  GenerateRequest,
  GenerationProgress,
  GenerationResult,
  PromptInput,
  RenderedPrompt,
} from './generation.ts';

/** A LoRA adapter and how strongly it changes a model. */
export interface AdapterChoice {
  /** Its id, as that of a model. */
  readonly id: string;
  /** 1 for the trained strength, 0 for no effect. */
  readonly scale: number;
}

/** What is known of a loaded model. Sizes are bytes, as measured; 0 where a remote engine does not report one. */
export interface LoadedModel {
  readonly id: string;
  /** The kind of engine that runs it. */
  readonly backend: 'Node-GGUF' | 'Node-BitNet' | 'Remote';
  readonly modelType: 'gguf' | 'bitnet' | 'remote';
  readonly architecture: string;
  readonly quantization: string;
  readonly vocabSize: number;
  readonly embeddingDim: number;
  /** Of each sequence. */
  readonly contextSize: number;
  /** Generations that run at the same time; absent for remote models, whose engine decides. */
  readonly sequences?: number;
  readonly trainContextSize: number;
  readonly fileSize: number;
  /** Weights that are read for a token; absent for remote models. */
  readonly bytesPerToken?: number;
  readonly gpuLayers: number;
  readonly cpuLayers: number;
  readonly loadedTo: 'CPU' | 'GPU' | 'SPLIT' | 'REMOTE';
  /** The variant of ggml's CPU library that is in use; null on platforms with a single one, and for remote models. */
  readonly cpuVariant: string | null;
  /** GPUs that its process can use, as llama.cpp names them; absent for remote models. */
  readonly devices?: readonly string[];
  readonly loadTimeMs: number;
  /** Resident memory of this machine that the load took. */
  readonly ramUsed: number;
  /** Weights that are read from the mapped file. Linux counts these pages as available memory. */
  readonly mappedBytes: number;
  /** GPU memory of this machine that the load took, as the backend reports it. */
  readonly vramUsed: number;
  /** Unix time, seconds. */
  readonly loadedAt: number;
  /** What conversations are written with; absent for remote models, whose engine decides. */
  readonly chatFormat?: ChatFormat;
  /** What the model supports; absent where only a request to its engine can show it. */
  readonly abilities?: ModelAbilities;
  /** The host that has it loaded, if that is another one of this user. */
  readonly host?: OtherHost;
  /** Whether flash attention is used; absent for remote models. */
  readonly flashAttention?: boolean;
  /** The LoRA adapters that it is loaded with; absent if there are none. */
  readonly lora?: readonly AdapterChoice[];
  /** The id of its draft model; absent if it has none. */
  readonly draftModel?: string;
  /** A remark for the user, such as a fallback to the CPU. */
  readonly notice?: string;
}

/** Another host of the user. */
export interface OtherHost {
  readonly pid: number;
  /** The name of the program that started it. */
  readonly program?: string;
}

/** What unloading a model frees, bytes. */
export interface FreedMemory {
  readonly ramFreed: number;
  readonly vramFreed: number;
}

/**
 * How a request to a model ends early. When `signal` is aborted the result is of no use any more: the work stops, and
 * the signal's reason is thrown.
 */
export interface RequestOptions {
  readonly signal: AbortSignal;
}

/** How a generation ends early and reports progress. */
export interface GenerationOptions extends RequestOptions {
  /** When aborted, the generation ends with the text generated so far. */
  readonly stop: AbortSignal;
  readonly onProgress?: ProgressListener<GenerationProgress> | undefined;
}

/** A model that an engine has loaded. Every engine provides this one interface; the registry keeps the list. */
export interface EngineModel {
  readonly info: LoadedModel;
  /** The settings that the request for its load chose, if another host loaded it. */
  readonly loadedWith?: Readonly<Record<string, unknown>>;
  /** Resolves with the reason when the model is lost without having been unloaded. Never rejects. */
  readonly lost: Promise<HostError>;
  generate(request: GenerateRequest, options: GenerationOptions): Promise<GenerationResult>;
  /** Renders a prompt without evaluating it. */
  render(input: PromptInput): Promise<RenderedPrompt>;
  /** Counts the tokens of texts. */
  countTokens(texts: readonly string[]): Promise<number>;
  /** Embeds texts, in order. */
  embed(request: EmbedRequest, options: RequestOptions): Promise<readonly Embedded[]>;
  /** Scores documents against a query, in order. */
  rank(request: RankRequest, options: RequestOptions): Promise<readonly Ranked[]>;
  /** Measures what unloading would free. */
  memory(): Promise<FreedMemory>;
  /** Ends everything that is running and resolves when the model's memory has been freed. */
  unload(): Promise<void>;
  /** Has the other host that loaded it unload it; absent for a model of this host. Resolves with what that freed. */
  unloadThere?(): Promise<FreedMemory>;
}

/** Loads models: llama.cpp on this machine, or the remote engines. */
export interface ModelEngine<Request> {
  /**
   * @param options.onProgress Called with the fraction that is loaded, 0 to 1.
   * @throws HostError the engine's reason; the signal's reason when aborted.
   */
  load(
    request: Request,
    options: { readonly signal: AbortSignal; readonly onProgress?: ProgressListener<number> },
  ): Promise<EngineModel>;
}
