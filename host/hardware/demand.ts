import { sum } from '../common/sum.ts';
import type { ModelShape } from '../gguf/model.ts';
import { type CacheTypes, cacheBytes } from './cache-types.ts';

/** Default batch size, in tokens, as in node-llama-cpp. It determines the size of the working memory. */
export const BATCH_TOKENS = 512;

/** llama.cpp rounds context lengths up to multiples of this, in tokens. */
const CONTEXT_STEP = 256;

/** Size of an element of the working memory (F32), and of a copied value (F16), in bytes. */
const F32_BYTES = 4;
const F16_BYTES = 2;

/**
 * Number of intermediate results that exist at the same time in a block, for which ggml allocates memory: gate, up and
 * product of the feed-forward network, and four vectors of the embedding length (residual stream, input, norm, output).
 */
const LIVE_FEED_FORWARD = 3;
const LIVE_EMBEDDINGS = 4;

/** Embedding vectors per token after the last block, from which the logits are computed. */
const LIVE_AT_OUTPUT = 2;

/** Embedding vectors per token that the CPU passes to a GPU, including their copy. */
const LIVE_INPUTS = 2;

/** Size of an element of the attention mask, in bytes: F16 for flash attention, else F32. */
const FLASH_MASK_BYTES = 2;
const MASK_BYTES = 4;

/**
 * Fraction of the size of the input embeddings below which the output layer has no matrix and uses the embeddings (tied
 * embeddings).
 */
const TIED_OUTPUT = 1 / 16;

/** The memory that a model needs, by llama.cpp's allocations, in bytes. */
export interface Demand {
  /** Weights and KV cache of each layer, in order. */
  readonly layers: readonly number[];
  /** Input embeddings, which are always in main memory. */
  readonly input: number;
  /** Output layer on the GPU, including a copy of tied embeddings. */
  readonly outputOnGpu: number;
  readonly outputOnCpu: number;
  /** Working memory of each GPU with layers, or of the CPU if no GPU is used. */
  readonly compute: number;
  /** Working memory of the CPU if a GPU is used, for the inputs of the GPU. */
  readonly computeBesideGpu: number;
  /** The part of the total that is proportional to the context length, per token. */
  readonly perContextToken: number;
}

/** Load settings that determine the memory need. */
export interface DemandSettings extends CacheTypes {
  /** Context length of each sequence, in tokens. */
  readonly contextSize: number;
  /** Batch size, in tokens. Default: {@link BATCH_TOKENS}. */
  readonly batchSize?: number | undefined;
  /** Number of sequences, each with its own context. Default: 1. */
  readonly sequences?: number | undefined;
  /** Default: true if the model supports it. */
  readonly flashAttention?: boolean | undefined;
}

/**
 * Returns the memory that a model of this shape needs with these settings. The results differ by a few percent from the
 * buffer sizes that llama.cpp reports (`npm run bench -- fit`).
 */
export function demandOf(shape: ModelShape, settings: DemandSettings): Demand {
  const { layerBytes, caches, inputBytes, outputBytes, windowSize, adapters } = shape;
  const { sequences = 1, flashAttention = shape.flashAttention } = settings;
  const isTied = outputBytes < inputBytes * TIED_OUTPUT;
  const context = roundUp(settings.contextSize);
  const batch = Math.max(Math.min(settings.batchSize ?? BATCH_TOKENS, context * sequences), sequences);
  // With sliding windows, node-llama-cpp evaluates one token more per batch.
  const windowed = Math.min(context, roundUp(windowSize + batch + 1));
  const types = { cacheTypeK: settings.cacheTypeK, cacheTypeV: settings.cacheTypeV };
  // Without flash attention, values are stored transposed, and those of all layers have the same size.
  const widest = flashAttention ? 0 : Math.max(0, ...caches.map(({ values }) => values));
  const perToken = caches.map(({ keys, values }) =>
    cacheBytes({ keys, values: values > 0 ? Math.max(values, widest) : 0 }, types),
  );
  const cells =
    (caches.some(({ keys, isWindowed }) => keys > 0 && !isWindowed) ? context : 0) + (windowSize > 0 ? windowed : 0);
  const perCell = batch * (flashAttention ? FLASH_MASK_BYTES : MASK_BYTES);
  // Only without flash attention: the attention scores, and copies of the values that latent attention reads from keys.
  const scores = flashAttention ? 0 : shape.heads * batch * F32_BYTES + sequences * shape.latentValues * F16_BYTES;
  return {
    layers: layerBytes.map((bytes, layer) => {
      const { isWindowed = false, stateBytes = 0 } = caches[layer] ?? {};
      const weights = bytes + (adapters?.layerBytes[layer] ?? 0);
      return weights + sequences * ((perToken[layer] ?? 0) * (isWindowed ? windowed : context) + stateBytes);
    }),
    input: inputBytes + (adapters?.inputBytes ?? 0),
    outputOnGpu: (isTied ? inputBytes : 0) + outputBytes + (adapters?.outputBytes ?? 0),
    outputOnCpu: outputBytes + (adapters?.outputBytes ?? 0),
    computeBesideGpu: perCell * cells + LIVE_INPUTS * batch * F32_BYTES * shape.embeddingDim,
    compute: workingMemory(shape, { batch, masks: perCell * cells, scores: scores * Math.min(context, cells) }),
    perContextToken:
      sequences * sum(perToken.filter((_, layer) => caches[layer]?.isWindowed === false)) + perCell + scores,
  };
}

/** Rounds a number of tokens up to a multiple of {@link CONTEXT_STEP}. */
function roundUp(tokens: number): number {
  return Math.ceil(tokens / CONTEXT_STEP) * CONTEXT_STEP;
}

/** Returns the peak size of the intermediate results: in a block, or at the output. */
function workingMemory(
  shape: ModelShape,
  { batch, masks, scores }: { readonly batch: number; readonly masks: number; readonly scores: number },
): number {
  const { vocabSize, embeddingDim, feedForwardDim, attentionWidth, recurrentWidth, adapters } = shape;
  const inVectors = (elements: number) => batch * F32_BYTES * elements;
  const most = Math.max(
    masks + inVectors(LIVE_FEED_FORWARD * feedForwardDim + LIVE_EMBEDDINGS * embeddingDim),
    masks + scores + inVectors(shape.heads > 0 ? attentionWidth : 0),
    masks + inVectors(recurrentWidth),
    // At the output, the masks are no longer needed.
    inVectors(vocabSize + LIVE_AT_OUTPUT * embeddingDim),
  );
  return most + inVectors(adapters?.width ?? 0);
}

/** Estimate of the working memory and a context of 4,096 tokens, as a fraction of the file size. */
const OVERHEAD_RATIO = 0.15;

/**
 * Estimates the memory need from the file size only: layers of equal size, and a margin for context and working memory.
 */
export function demandOfSize(modelSize: number, totalLayers: number): Demand {
  const perLayer = modelSize / totalLayers;
  return {
    layers: new Array<number>(totalLayers).fill(perLayer),
    input: 0,
    outputOnGpu: 0,
    outputOnCpu: 0,
    compute: modelSize * OVERHEAD_RATIO,
    computeBesideGpu: 0,
    perContextToken: 0,
  };
}

/**
 * Returns the GPU and main memory, in bytes, if the last `gpuLayers` layers and the output layer are on the GPU.
 * Several GPUs share the layers, but each has its own working memory.
 */
export function memoryFor(
  demand: Demand,
  gpuLayers: number,
  gpus: number,
): { readonly vram: number; readonly ram: number } {
  const { layers, input, outputOnGpu, outputOnCpu, compute, computeBesideGpu } = demand;
  if (gpuLayers === 0) return { vram: 0, ram: Math.ceil(input + sum(layers) + outputOnCpu + compute) };
  const firstOnGpu = layers.length - Math.min(gpuLayers, layers.length);
  return {
    vram: Math.ceil(sum(layers.slice(firstOnGpu)) + compute * Math.max(1, gpus) + outputOnGpu),
    ram: Math.ceil(input + sum(layers.slice(0, firstOnGpu)) + computeBesideGpu),
  };
}
