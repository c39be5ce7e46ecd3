import { basename } from 'node:path';
import { sum } from '../common/sum.ts';
import type { InspectedModel, ModelShape } from '../gguf/model.ts';
import { demandOf, memoryFor } from '../hardware/demand.ts';
import type { LoadSettings, RunnerStep } from './ipc.ts';

/**
 * Memory that a runner may use in addition to what its model needs, bytes. Node.js, llama.cpp, a large vocabulary and a
 * GPU driver take 0.15 to 1 GB; {@link MAX_CHECKPOINT_BYTES} is the rest.
 */
const MEMORY_BASE_BYTES = 1.5 * 2 ** 30;

/** Margin on the estimate, which is within a few per cent of what llama.cpp allocates. */
const MEMORY_MARGIN = 1.5;

/** Most memory for copies of a sequence's state, to which a recurrent model can go back, bytes. */
export const MAX_CHECKPOINT_BYTES = 512 * 2 ** 20;

/**
 * Slowest disk from which a model is expected to be read, bytes per second: a hard disk with several readers. A model
 * larger than the main memory is read again for every step.
 */
const SLOWEST_DISK = 20e6;

/**
 * Slowest evaluation, bytes of weights per second and token: a 4 GB model takes 8 s for a token of the prompt on a core
 * without vector instructions (0.5 GB/s); this is a fifth of that, for a computer that is busy with something else.
 */
const SLOWEST_EVALUATION = 100e6;

/** Slowest tokenizer, characters per second; llama.cpp's take 1 to 10 million. */
const SLOWEST_TOKENIZER = 20_000;

/** Time for any step, milliseconds: a machine that swaps, a process that waits for its turn. */
const STEP_BASE_MS = 60_000;
const TOKENIZE_BASE_MS = 30_000;

/** Time for a step in which a GPU is used, milliseconds: at first, drivers compile their programs for minutes. */
const GPU_STEP_BASE_MS = 600_000;

/** What the process of one model may use before it is ended. */
export interface Budget {
  /** Name of the model's file, for errors. */
  readonly file: string;
  /** Most memory, bytes. */
  readonly memoryBytes: number;
  /** What is added where mapped pages of the file are counted, bytes. */
  readonly mappedBytes: number;
  /** Longest time that a load may take without progress in addition to the configured one, milliseconds. */
  readonly loadMs: number;
  /** Longest time that a step may take, milliseconds. */
  stepMs(step: RunnerStep): number;
  /** Memory of a further context, bytes. */
  contextBytes(tokens: number): number;
}

/**
 * Returns what the process of a model, and of its draft model, may use. Everything follows from the files' checked headers
 * and the settings.
 */
export function budgetOf({ files, shape }: InspectedModel, settings: LoadSettings, draft?: InspectedModel): Budget {
  const shapes = draft === undefined ? [shape] : [shape, draft.shape];
  const needs = [memoryFor(demandOf(shape, settings), settings.gpuLayers, 1)];
  if (draft !== undefined) {
    needs.push(memoryFor(demandOf(draft.shape, { ...settings, sequences: 1 }), settings.draft?.gpuLayers ?? 0, 1));
  }
  const fileBytes = sum(shapes.map((each) => each.fileBytes));
  const readMs = (fileBytes / SLOWEST_DISK) * 1000;
  const tokenMs = (fileBytes / SLOWEST_EVALUATION) * 1000;
  // All sequences may be evaluating their prompts.
  const { sequences = 1 } = settings;
  const base = settings.gpuLayers > 0 ? GPU_STEP_BASE_MS : STEP_BASE_MS;
  return {
    file: basename(files[0] ?? ''),
    // GPUs that share the main memory, and copies on the way to others, count as memory of the process.
    memoryBytes: MEMORY_BASE_BYTES + MEMORY_MARGIN * sum(needs.map(({ ram, vram }) => ram + vram)),
    mappedBytes: fileBytes,
    loadMs: readMs,
    stepMs: ({ kind, size }) =>
      kind === 'tokenize'
        ? TOKENIZE_BASE_MS + (size / SLOWEST_TOKENIZER) * 1000
        : base + readMs + (kind === 'evaluate' ? size * sequences * tokenMs : 0),
    contextBytes: (tokens) => MEMORY_MARGIN * contextBytes(shape, tokens),
  };
}

/** Returns the size of a sequence's keys and values when its context is full, bytes: the most that a saved state has. */
export function sequenceBytes(shape: ModelShape, settings: LoadSettings): number {
  const { layers } = demandOf({ ...shape, adapters: undefined }, { ...settings, sequences: 1 });
  return sum(layers) - sum(shape.layerBytes);
}

/** Memory of a context that evaluates a text as one batch: cache, working memory, and the scores of all heads. */
function contextBytes(shape: ModelShape, tokens: number): number {
  const settings = { contextSize: tokens, batchSize: tokens, flashAttention: false };
  const { compute, layers } = demandOf({ ...shape, adapters: undefined }, settings);
  // Encoders have no cache, but scores.
  const heads = Math.ceil(shape.embeddingDim / Math.max(1, shape.keyLength));
  return compute + sum(layers) - sum(shape.layerBytes) + 4 * heads * tokens ** 2;
}
