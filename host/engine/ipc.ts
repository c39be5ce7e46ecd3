import type { ErrorDetails } from '../common/errors.ts';
import type { CacheTypes } from '../hardware/cache-types.ts';
import type { ThreadRange } from '../hardware/threads.ts';
import type { GpuMemory } from '../hardware/types.ts';
import type { Embedded, EmbedRequest, Ranked, RankRequest } from '../models/embedding.ts';
import type {
  ChatFormat,
  GenerateRequest,
  GenerationProgress,
  GenerationResult,
  PromptInput,
  RenderedPrompt,
} from '../models/generation.ts';
import type { AdapterChoice } from '../models/model-engine.ts';
import type { ErrorCode } from '../protocol/errors.ts';

/** The first argument of a runner process, by which `start.ts` recognizes it. */
export const RUNNER_ARGUMENT = '--runner';

/** Which GPU backend a runner may use: the best available, a certain one, or none. */
export type GpuMode = 'auto' | 'cuda' | 'vulkan' | 'metal' | 'off';

/** A LoRA adapter with which a model is loaded. */
export interface LoadedAdapter extends AdapterChoice {
  /** The absolute path of its file. */
  readonly file: string;
}

/** A smaller model that drafts tokens for another one. */
export interface LoadedDraft {
  /** Its id, as that of a model. */
  readonly id: string;
  /** The absolute path of its first file. */
  readonly file: string;
  /** As in {@link LoadSettings}. */
  readonly gpuLayers: number;
}

/** How a model is loaded. Every value has been chosen: the engine decides nothing about memory. */
export interface LoadSettings extends CacheTypes {
  /** Layers on the GPU as llama.cpp counts them: the output layer is the first, so `layers + 1` is the whole model. */
  readonly gpuLayers: number;
  /** Tokens. */
  readonly contextSize: number;
  /** Generations that run at the same time, each with its own `contextSize`. @default 1 */
  readonly sequences?: number;
  /** CPU threads; a range where the runner follows the load of the machine. */
  readonly threads: number | ThreadRange;
  readonly batchSize?: number;
  readonly useMmap?: boolean;
  readonly useMlock?: boolean;
  readonly useDirectIo?: boolean;
  /** Absent: where the binding supports it for the model. */
  readonly flashAttention?: boolean;
  /** A chat template instead of the model's own. */
  readonly chatTemplate?: string;
  /** Positions in the backend's list of GPUs, of those that may be used. Absent: all. */
  readonly devices?: readonly number[];
  /** LoRA adapters that have been checked to fit the model. */
  readonly adapters?: readonly LoadedAdapter[];
  readonly draft?: LoadedDraft;
  /** Skips the binding's own check for free memory. */
  readonly force?: boolean;
}

/** What a runner reports about itself once llama.cpp has started. Times are milliseconds. */
export interface RunnerFacts {
  /** The ggml CPU binary that was loaded (`zen4`, `haswell`, …); null if the platform has a single one. */
  readonly cpuVariant: string | null;
  /** The GPU backend in use, or null. */
  readonly gpu: 'cuda' | 'vulkan' | 'metal' | null;
  /** Names of the GPUs that it uses. */
  readonly devices: readonly string[];
  readonly gpuMemory: GpuMemory;
  /** The llama.cpp release. */
  readonly release: string;
  readonly importMs: number;
  readonly startMs: number;
}

/** A runner's folder for the states of one model. */
export interface StateFolder {
  readonly folder: string;
  /** Identifies the model and the settings with which the states were made. */
  readonly key: string;
  /** Longest state that is saved, tokens. */
  readonly maxTokens: number;
}

/** A load, as a runner gets it. */
export interface RunnerLoad {
  /** The model's first part. */
  readonly file: string;
  readonly settings: LoadSettings;
  /** Where evaluated prompts of this model are saved; undefined if nowhere. */
  readonly states?: StateFolder | undefined;
}

/** What the loaded model and context report about themselves. Sizes are bytes. */
export interface LoadedFigures {
  readonly vocabSize: number;
  readonly embeddingDim: number;
  readonly contextSize: number;
  readonly trainContextSize: number;
  readonly chatFormat: ChatFormat;
  readonly gpuLayers: number;
  /** Main memory that llama.cpp allocated for the model and its context, mapped pages of the file included. */
  readonly ramUsed: number;
  /** GPU memory that it allocated. */
  readonly vramUsed: number;
}

/** Memory a runner uses now, bytes. */
export interface MemoryUse {
  /** Resident memory of the whole process. */
  readonly ram: number;
  /** GPU memory in use beyond what was in use before the load. */
  readonly vram: number;
}

/** A request to the model, and the number by which `stop` finds it. */
export interface RunnerWork<T> {
  readonly work: number;
  readonly request: T;
}

/**
 * What a runner is about to do for a command, in one call of llama.cpp, and how much of it: characters to split into
 * tokens or of a grammar, tokens to evaluate, tokens of a context to allocate. The host gives each step a time limit.
 */
export interface RunnerStep {
  readonly kind: 'tokenize' | 'grammar' | 'evaluate' | 'context';
  readonly size: number;
}

/** A model whose speed is measured. */
export interface SpeedTest {
  readonly file: string;
  readonly threads: number;
  /** Whether all of it is on the GPU. */
  readonly onGpu: boolean;
}

/** Every command of a runner: its request, its progress messages, its result. */
export interface RunnerCommands {
  /** Its progress is the fraction that is loaded, 0 to 1. */
  load: { request: RunnerLoad; progress: number; result: LoadedFigures };
  memory: { request: null; progress: never; result: MemoryUse };
  /** Generates with a model that is not loaded before or after. Its result is tokens per second. */
  measure: { request: SpeedTest; progress: never; result: number };
  gpuMemory: { request: null; progress: never; result: GpuMemory };
  generate: { request: RunnerWork<GenerateRequest>; progress: GenerationProgress; result: GenerationResult };
  /** Renders a prompt without evaluating it. */
  render: { request: PromptInput; progress: never; result: RenderedPrompt };
  /** Its result is the number of tokens of all texts. */
  countTokens: { request: readonly string[]; progress: never; result: number };
  embed: { request: RunnerWork<EmbedRequest>; progress: never; result: readonly Embedded[] };
  rank: { request: RunnerWork<RankRequest>; progress: never; result: readonly Ranked[] };
  /**
   * Ends a generation with its next token; its result then holds the text generated so far. Ends `embed` and `rank` with
   * their next text and the error `ABORTED`.
   */
  stop: { request: { readonly work: number }; progress: never; result: null };
  /** Saves what idle sequences have evaluated. */
  save: { request: null; progress: never; result: null };
  /** Forgets what was evaluated of a conversation, and of prompts that belong to no known one. */
  forget: { request: { readonly conversation: string }; progress: never; result: null };
}

export type CommandName = keyof RunnerCommands;

/** An error as it travels between the processes: the parts of a `HostError`, or `INTERNAL_ERROR` with a text for the log. */
export interface IpcError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: ErrorDetails;
}

/** Host to runner. There is no message to exit: a runner ends when the channel closes, or by SIGKILL. */
export type ToRunner =
  | { readonly type: 'start'; readonly gpu: GpuMode; readonly reportsMemory: boolean }
  | {
      [C in CommandName]: {
        readonly type: 'command';
        readonly id: number;
        readonly name: C;
        readonly request: RunnerCommands[C]['request'];
      };
    }[CommandName];

/** Longest message of an error, and longest entry of its details as JSON, characters. */
export const MAX_ERROR_MESSAGE = 2_000;
export const MAX_ERROR_DETAIL = 8_000;

/**
 * Returns an error as it crosses between the processes. Its texts are partly those of the model's file: they are cut on
 * both sides, so that no runner can fill the host's log or a reply.
 */
export function boundedError({ code, message, details }: IpcError): IpcError {
  const entries = Object.entries(details ?? {}).filter(
    ([, value]) => (JSON.stringify(value)?.length ?? 0) <= MAX_ERROR_DETAIL,
  );
  return {
    code,
    message: message.slice(0, MAX_ERROR_MESSAGE),
    ...(details === undefined ? {} : { details: Object.fromEntries(entries) }),
  };
}

/** Runner to host. `id` is the command's. */
export type FromRunner =
  | { readonly type: 'ready'; readonly facts: RunnerFacts }
  | { readonly type: 'unavailable'; readonly error: IpcError }
  /** Files of evaluated prompts were written or removed. */
  | { readonly type: 'states' }
  | { readonly type: 'step'; readonly id: number; readonly step: RunnerStep }
  /** Resident memory, bytes; sent in intervals where the host cannot read it. */
  | { readonly type: 'memory'; readonly bytes: number }
  | { readonly type: 'progress'; readonly id: number; readonly progress: RunnerCommands[CommandName]['progress'] }
  | { readonly type: 'result'; readonly id: number; readonly result: RunnerCommands[CommandName]['result'] }
  | { readonly type: 'error'; readonly id: number; readonly error: IpcError };
