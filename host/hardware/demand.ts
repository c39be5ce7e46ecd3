import { sum } from '../common/sum.ts';
import type { ModelShape } from '../gguf/model.ts';
import { type CacheTypes, cachePart } from './cache-types.ts';

/** Tokens evaluated at once, which working memory is made for: node-llama-cpp's default batch. */
const BATCH_TOKENS = 512;

/** llama.cpp makes contexts in steps of so many tokens. */
const CONTEXT_STEP = 256;

/** Working memory is counted in F32, bytes. */
const F32_BYTES = 4;

/**
 * Intermediate results that are alive at once in a block, which ggml's allocator makes room for: the feed-forward part's
 * gate, up and product, and four vectors of the embedding's length (residual stream, input, norm, output). Of llama.cpp's
 * own figures, which it equals to 1 % on the CPU (`npm run bench -- fit`).
 */
const LIVE_FEED_FORWARD = 3;
const LIVE_EMBEDDINGS = 4;

/** After the last block: the logits of every token of the batch, with the vectors they are made from. */
const LIVE_AT_OUTPUT = 2;

/** Bytes of the attention mask for a token of context and a token of the batch: F16, as flash attention takes it. */
const MASK_BYTES = 2;

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

/** What of a load decides how much memory it takes, beside the model. */
export interface DemandSettings extends CacheTypes {
  /** Tokens. */
  readonly contextSize: number;
  /** Tokens evaluated at once; absent = {@link BATCH_TOKENS}. */
  readonly batchSize?: number | undefined;
}

/** What a model of this shape takes with these settings. */
export function demandOf(shape: ModelShape, settings: DemandSettings): Demand {
  const { layerBytes, kvBytesPerToken, inputBytes, outputBytes } = shape;
  const isTied = outputBytes < inputBytes * TIED_OUTPUT;
  const context = Math.ceil(settings.contextSize / CONTEXT_STEP) * CONTEXT_STEP;
  const batch = Math.min(settings.batchSize ?? BATCH_TOKENS, context);
  const part = cachePart(shape, settings);
  return {
    layers: layerBytes.map((bytes, layer) => bytes + (kvBytesPerToken[layer] ?? 0) * part * context),
    input: inputBytes,
    outputOnGpu: isTied ? inputBytes + outputBytes : outputBytes,
    outputOnCpu: outputBytes,
    compute: batch * (F32_BYTES * liveNumbers(shape) + MASK_BYTES * context),
    perContextToken: sum(kvBytesPerToken) * part + batch * MASK_BYTES,
  };
}

/** Numbers a token of the batch keeps alive, at the busiest place: inside a block, or at the output. */
function liveNumbers({ vocabSize, embeddingDim, feedForwardDim }: ModelShape): number {
  return Math.max(
    LIVE_FEED_FORWARD * feedForwardDim + LIVE_EMBEDDINGS * embeddingDim,
    vocabSize + LIVE_AT_OUTPUT * embeddingDim,
  );
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
