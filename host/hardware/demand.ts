import type { ModelShape } from '../gguf/model.ts';

/** Tokens evaluated at once, which working memory is made for: node-llama-cpp's default batch. */
const BATCH_TOKENS = 512;

/** Working memory is counted in F32, bytes. */
const F32_BYTES = 4;

/**
 * Intermediate results llama.cpp keeps alive at once, in vectors of the embedding's length: the feed-forward part's
 * input, gate and up projections (3.5 times the embedding in today's models) with the residual stream and the attention's
 * outputs. Meant to be too high rather than too low.
 */
const LIVE_VECTORS = 16;

/** Bytes of the attention mask for a token of context and a token of the batch (F32 and its F16 copy, rounded up). */
const MASK_BYTES = 8;

/** Below this part of the input embeddings, the output layer has no matrix of its own and uses the embeddings'. */
const TIED_OUTPUT = 1 / 16;

/** The bytes a model takes, cut up as llama.cpp places them. */
export interface Demand {
  /** Weights and keys and values of each layer, in order. */
  readonly layers: readonly number[];
  /** Input embeddings: always in main memory. */
  readonly input: number;
  /** Output layer on the GPU. Tied embeddings are copied there: llama.cpp keeps one for each side. */
  readonly outputOnGpu: number;
  readonly outputOnCpu: number;
  /** Working memory of each device that has layers. */
  readonly compute: number;
  /** Of all this, what grows with a token of context. */
  readonly perContextToken: number;
}

/** What a model of this shape takes with a context of so many tokens. */
export function demandOf(shape: ModelShape, contextSize: number): Demand {
  const { layerBytes, kvBytesPerToken, inputBytes, outputBytes, vocabSize, embeddingDim } = shape;
  const isTied = outputBytes < inputBytes * TIED_OUTPUT;
  return {
    layers: layerBytes.map((bytes, layer) => bytes + (kvBytesPerToken[layer] ?? 0) * contextSize),
    input: inputBytes,
    outputOnGpu: isTied ? inputBytes + outputBytes : outputBytes,
    outputOnCpu: outputBytes,
    compute:
      BATCH_TOKENS * F32_BYTES * (vocabSize + LIVE_VECTORS * embeddingDim) + contextSize * BATCH_TOKENS * MASK_BYTES,
    perContextToken: sum(kvBytesPerToken) + BATCH_TOKENS * MASK_BYTES,
  };
}

/** What else a model takes beside its file, as a part of it, where only its size is known: a context of 4,096 tokens. */
const OVERHEAD_PART = 0.15;

/** The same of a model of which only the file's size is known: even layers, and a margin for context and working memory. */
export function demandOfSize(modelSize: number, totalLayers: number): Demand {
  const perLayer = modelSize / totalLayers;
  return {
    layers: new Array<number>(totalLayers).fill(perLayer),
    input: 0,
    outputOnGpu: 0,
    outputOnCpu: 0,
    compute: modelSize * OVERHEAD_PART,
    perContextToken: 0,
  };
}

/**
 * Bytes on each side when the last `gpuLayers` layers are on the GPU; all of them means the output layer too. Several
 * GPUs share the layers, but each has working memory of its own.
 */
export function placed(
  demand: Demand,
  gpuLayers: number,
  gpus: number,
): { readonly vram: number; readonly ram: number } {
  const { layers, input, outputOnGpu, outputOnCpu, compute } = demand;
  const isAll = gpuLayers >= layers.length;
  const firstOnGpu = layers.length - Math.min(gpuLayers, layers.length);
  return {
    vram:
      gpuLayers === 0
        ? 0
        : Math.ceil(sum(layers.slice(firstOnGpu)) + compute * Math.max(1, gpus) + (isAll ? outputOnGpu : 0)),
    ram: Math.ceil(input + sum(layers.slice(0, firstOnGpu)) + (isAll ? 0 : outputOnCpu + compute)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
