import type { ErrorDetails } from '../common/errors.ts';
import type { Embedded, EmbedRequest, Ranked, RankRequest } from '../models/embedding.ts';
import type { GenerateRequest, GenerationProgress, GenerationResult } from '../models/generation.ts';
import type { ErrorCode } from '../protocol/errors.ts';
import type { LoadProgress, LoadSettings } from './types.ts';

/** Which GPU backend a runner may use: the best there is, a certain one, or none. */
export type GpuMode = 'auto' | 'cuda' | 'vulkan' | 'metal' | 'off';

/** What a runner knows of itself once llama.cpp stands. Times are milliseconds. */
export interface RunnerFacts {
  /** The ggml CPU binary that was loaded (`zen4`, `haswell`, …); null where the platform has a single one. */
  readonly cpuVariant: string | null;
  /** The GPU backend in use, or null. */
  readonly gpu: 'cuda' | 'vulkan' | 'metal' | null;
  /** The llama.cpp release. */
  readonly release: string;
  readonly importMs: number;
  readonly startMs: number;
}

/** What a runner is told to load. */
export interface RunnerLoad {
  /** The model's first part. */
  readonly file: string;
  readonly settings: LoadSettings;
}

/** What came of a load: everything as the loaded model and context say themselves. Sizes are bytes. */
export interface LoadedFigures {
  readonly vocabSize: number;
  readonly embeddingDim: number;
  readonly contextSize: number;
  readonly trainContextSize: number;
  readonly gpuLayers: number;
  /** What the load added to the process's resident memory, mapped pages of the file included. */
  readonly ramUsed: number;
  /** What the load added to the use of the GPUs' memory. */
  readonly vramUsed: number;
}

/** What a runner holds now, bytes. */
export interface MemoryUse {
  /** Resident memory of the whole process. */
  readonly ram: number;
  /** Use of the GPUs' memory beyond what it was before the load. */
  readonly vram: number;
}

/** A generation and the number by which it can be stopped. */
export interface RunnerGenerate {
  readonly generation: number;
  readonly order: GenerateRequest;
}

/** Work on texts and the number by which it can be stopped. */
export interface RunnerWork<T> {
  readonly work: number;
  readonly order: T;
}

/** Every command a runner takes: what goes with it, what it tells on the way, what it answers. */
export interface RunnerCommands {
  load: { request: RunnerLoad; progress: LoadProgress; result: LoadedFigures };
  memory: { request: null; progress: never; result: MemoryUse };
  generate: { request: RunnerGenerate; progress: GenerationProgress; result: GenerationResult };
  embed: { request: RunnerWork<EmbedRequest>; progress: never; result: readonly Embedded[] };
  rank: { request: RunnerWork<RankRequest>; progress: never; result: readonly Ranked[] };
  /**
   * Has a generation end with its next token, `generate` then answers with what there is; or has `embed` or `rank` end
   * with its next text, which is the error `ABORTED`.
   */
  stop: { request: { readonly work: number }; progress: never; result: null };
}

export type CommandName = keyof RunnerCommands;

/** A fault as it travels between the processes: the parts of a `HostError`. */
export interface IpcError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: ErrorDetails;
}

/** Supervisor to runner. There is no farewell: a runner is ended by its end of the channel, or by SIGKILL. */
export type ToRunner =
  | { readonly type: 'hello'; readonly gpu: GpuMode }
  | {
      [C in CommandName]: {
        readonly type: 'command';
        readonly id: number;
        readonly name: C;
        readonly request: RunnerCommands[C]['request'];
      };
    }[CommandName];

/** Runner to supervisor. `id` is the command's. */
export type FromRunner =
  | { readonly type: 'ready'; readonly facts: RunnerFacts }
  | { readonly type: 'unavailable'; readonly error: IpcError }
  | { readonly type: 'progress'; readonly id: number; readonly progress: RunnerCommands[CommandName]['progress'] }
  | { readonly type: 'result'; readonly id: number; readonly result: RunnerCommands[CommandName]['result'] }
  | { readonly type: 'error'; readonly id: number; readonly error: IpcError };
