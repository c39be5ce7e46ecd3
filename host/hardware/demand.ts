import { sum } from '../common/sum.ts';
import type { ModelShape } from '../gguf/model.ts';
import { type CacheTypes, cacheBytes } from './cache-types.ts';

/** Tokens evaluated at once, which determine working memory: node-llama-cpp's default batch size. */
const BATCH_TOKENS = 512;

/** llama.cpp rounds context lengths up to multiples of this, in tokens. */
const CONTEXT_STEP = 256;

/** Working memory is counted in F32, in bytes; copies of values are F16. */
const F32_BYTES = 4;
const F16_BYTES = 2;

/**
 * Intermediate results that exist at the same time in a block, for which ggml allocates memory: gate, up and product of
 * the feed-forward network, and four vectors of the embedding's length (residual stream, input, norm, output).
 */
const LIVE_FEED_FORWARD = 3;
const LIVE_EMBEDDINGS = 4;

/** Embedding vectors per token after the last block, from which the logits are computed. */
const LIVE_AT_OUTPUT = 2;

/** Embedding vectors per token that the CPU passes to a GPU, with their copy. */
const LIVE_INPUTS = 2;

/** Bytes of the attention mask per token of the context and token of the batch: F16 for flash attention, else F32. */
const FLASH_MASK_BYTES = 2;
const MASK_BYTES = 4;

/**
 * If the output layer is smaller than this share of the input embeddings, it has no separate matrix and uses theirs.
 */
const TIED_OUTPUT = 1 / 16;

/** The memory that a model needs, divided as llama.cpp allocates it. Sizes are bytes. */
export interface Demand {
  /** Weights and KV cache of each layer, in order. */
  readonly layers: readonly number[];
  /** Input embeddings, which are always in main memory. */
  readonly input: number;
  /** Output layer on the GPU. Tied embeddings are copied there. */
  readonly outputOnGpu: number;
  readonly outputOnCpu: number;
  /** Working memory of each GPU with layers, or of the CPU without one. */
  readonly compute: number;
  /** Working memory of the CPU beside a GPU, which gets its inputs from there. */
  readonly computeBesideGpu: number;
  /** The part of all this that each further token of context adds. */
  readonly perContextToken: number;
}

/** Load settings that determine the memory need. */
export interface DemandSettings extends CacheTypes {
  /** Tokens of each sequence. */
  readonly contextSize: number;
  /** Tokens evaluated at once. Default: {@link BATCH_TOKENS}. */
  readonly batchSize?: number | undefined;
  /** Texts that are evaluated side by side, each with a context of its own. Default: 1. */
  readonly sequences?: number | undefined;
  /** Default: where the model supports it. */
  readonly flashAttention?: boolean | undefined;
}

/**
 * Returns the memory that a model of this shape needs with these settings. The figures are those that llama.cpp reports
 * for its buffers, within a few per cent (`npm run bench -- fit`).
 */
export function demandOf(shape: ModelShape, settings: DemandSettings): Demand {
  const { layerBytes, caches, inputBytes, outputBytes, windowSize } = shape;
  const { sequences = 1, flashAttention = shape.flashAttention } = settings;
  const isTied = outputBytes < inputBytes * TIED_OUTPUT;
  const context = roundUp(settings.contextSize);
  const batch = Math.max(Math.min(settings.batchSize ?? BATCH_TOKENS, context * sequences), sequences);
  // The binding evaluates one token more at a time where there are windows.
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
  // Both only exist without flash attention: the scores of the heads, and copies of values that are part of the keys.
  const scores = flashAttention ? 0 : shape.heads * batch * F32_BYTES + sequences * shape.latentValues * F16_BYTES;
  return {
    layers: layerBytes.map((bytes, layer) => {
      const { isWindowed = false, stateBytes = 0 } = caches[layer] ?? {};
      return bytes + sequences * ((perToken[layer] ?? 0) * (isWindowed ? windowed : context) + stateBytes);
    }),
    input: inputBytes,
    outputOnGpu: isTied ? inputBytes + outputBytes : outputBytes,
    outputOnCpu: outputBytes,
    computeBesideGpu: perCell * cells + LIVE_INPUTS * batch * F32_BYTES * shape.embeddingDim,
    compute: workingMemory(shape, { batch, masks: perCell * cells, scores: scores * Math.min(context, cells) }),
    perContextToken:
      sequences * sum(perToken.filter((_, layer) => caches[layer]?.isWindowed === false)) + perCell + scores,
  };
}

/** Rounds up a number of tokens as llama.cpp does. */
function roundUp(tokens: number): number {
  return Math.ceil(tokens / CONTEXT_STEP) * CONTEXT_STEP;
}

/** Returns the most memory that intermediate results need at the same time: inside a block, or at the output. */
function workingMemory(
  shape: ModelShape,
  { batch, masks, scores }: { readonly batch: number; readonly masks: number; readonly scores: number },
): number {
  const { vocabSize, embeddingDim, feedForwardDim, attentionWidth, recurrentWidth } = shape;
  const inVectors = (elements: number) => batch * F32_BYTES * elements;
  return Math.max(
    masks + inVectors(LIVE_FEED_FORWARD * feedForwardDim + LIVE_EMBEDDINGS * embeddingDim),
    masks + scores + inVectors(shape.heads > 0 ? attentionWidth : 0),
    masks + inVectors(recurrentWidth),
    // The masks are no longer needed there.
    inVectors(vocabSize + LIVE_AT_OUTPUT * embeddingDim),
  );
}

/** Working memory and a context of 4,096 tokens, as a share of the file size, if only that is known. */
const OVERHEAD_RATIO = 0.15;

/** Estimates the memory need from the file size alone: equal layers, and a margin for context and working memory. */
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
 * Returns the bytes of GPU and main memory if the last `gpuLayers` layers, and with them the output layer, are on the
 * GPU. Several GPUs share the layers, but each has its own working memory.
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
