import { sum } from '../common/sum.ts';
import type { ModelShape } from '../gguf/model.ts';
import { type CacheTypes, cacheSizeRatio } from './cache-types.ts';

/** Tokens evaluated at once, which determine working memory: node-llama-cpp's default batch size. */
const BATCH_TOKENS = 512;

/** llama.cpp rounds context lengths up to multiples of this, tokens. */
const CONTEXT_STEP = 256;

/** Working memory is counted in F32, bytes. */
const F32_BYTES = 4;

/**
 * Intermediate results that exist at the same time in a block, for which ggml allocates memory: gate, up and product of
 * the feed-forward network, and four vectors of the embedding's length (residual stream, input, norm, output). The
 * result matches llama.cpp's own figures within 1 % on the CPU (`npm run bench -- fit`).
 */
const LIVE_FEED_FORWARD = 3;
const LIVE_EMBEDDINGS = 4;

/** Embedding vectors per token after the last block, from which the logits are computed. */
const LIVE_AT_OUTPUT = 2;

/** Bytes of the attention mask per token of the context and token of the batch: F16, as for flash attention. */
const MASK_BYTES = 2;

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
  /** Working memory of each device with layers. */
  readonly compute: number;
  /** The cacheRatio of all this that each further token of context adds. */
  readonly perContextToken: number;
}

/** Load settings that determine the memory need. */
export interface DemandSettings extends CacheTypes {
  /** Tokens. */
  readonly contextSize: number;
  /** Tokens evaluated at once. Default: {@link BATCH_TOKENS}. */
  readonly batchSize?: number | undefined;
}

/** Returns the memory that a model of this shape needs with these settings. */
export function demandOf(shape: ModelShape, settings: DemandSettings): Demand {
  const { layerBytes, kvBytesPerToken, inputBytes, outputBytes } = shape;
  const isTied = outputBytes < inputBytes * TIED_OUTPUT;
  const context = Math.ceil(settings.contextSize / CONTEXT_STEP) * CONTEXT_STEP;
  const batch = Math.min(settings.batchSize ?? BATCH_TOKENS, context);
  const cacheRatio = cacheSizeRatio(shape, settings);
  return {
    layers: layerBytes.map((bytes, layer) => bytes + (kvBytesPerToken[layer] ?? 0) * cacheRatio * context),
    input: inputBytes,
    outputOnGpu: isTied ? inputBytes + outputBytes : outputBytes,
    outputOnCpu: outputBytes,
    compute: batch * (F32_BYTES * liveElements(shape) + MASK_BYTES * context),
    perContextToken: sum(kvBytesPerToken) * cacheRatio + batch * MASK_BYTES,
  };
}

/** Returns the most elements per token of the batch that exist at the same time, inside a block or at the output. */
function liveElements({ vocabSize, embeddingDim, feedForwardDim }: ModelShape): number {
  return Math.max(
    LIVE_FEED_FORWARD * feedForwardDim + LIVE_EMBEDDINGS * embeddingDim,
    vocabSize + LIVE_AT_OUTPUT * embeddingDim,
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
    perContextToken: 0,
  };
}

/**
 * Returns the bytes of GPU and main memory if the last `gpuLayers` layers are on the GPU; all layers include the output
 * layer. Several GPUs share the layers, but each has its own working memory.
 */
export function memoryFor(
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
