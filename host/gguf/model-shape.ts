import { sum } from '../common/sum.ts';
import { FILE_TYPES } from './file-types.ts';
import { arrayOf, type GgufHeader, type GgufTensor, numberOf, stringOf } from './header.ts';
import { readAttention } from './layer-caches.ts';
import { MAX_LAYERS } from './limits.ts';
import type { ModelShape } from './model.ts';
import { rejection } from './reject.ts';

/** A tensor of a repeating layer: `blk.7.attn_k.weight`, and `enc.blk.7.…`, `dec.blk.7.…` of encoder-decoder models. */
const LAYER_TENSOR = /^(?:enc\.|dec\.)?blk\.(\d{1,6})\./;

/** Tensors used before the first layer. Source: `LLM_TENSOR_LAYER_INPUT` in `llama-arch.cpp`. */
const INPUT_TENSOR = /^(token_embd|token_embd_norm|token_types|position_embd|per_layer_token_embd)\./;

/** Tensor types with ternary weights (−1, 0, 1). */
const TERNARY: ReadonlySet<string> = new Set(['TQ1_0', 'TQ2_0']);

/** The down projection of a feed-forward network: of a dense one, of all experts, or of the shared experts. */
const FEED_FORWARD_TENSOR = /^(?:enc\.|dec\.)?blk\.(\d+)\.(?:ffn_down(_exps|_shexp)?|channel_mix_value)\.weight$/;

/** A tensor with the weights of all experts. */
const EXPERTS_TENSOR = /_exps\./;

/** Returns the layer that a tensor belongs to, from 0; undefined for a tensor outside the layers. */
export function layerOf(tensorName: string): number | undefined {
  const digits = LAYER_TENSOR.exec(tensorName)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Returns the layer that a tensor belongs to, or whether it is used before or after all layers. */
export function placeOf(tensorName: string, layers: number): number | 'input' | 'output' {
  const layer = layerOf(tensorName);
  if (layer !== undefined && layer < layers) return layer;
  return INPUT_TENSOR.test(tensorName) ? 'input' : 'output';
}

/**
 * Returns the properties of a model from the headers of its parts, in order. Metadata is read from the first part, as
 * in llama.cpp.
 *
 * @throws HostError `MODEL_REJECTED` if the header lacks metadata that every model has.
 */
export function modelShape(headers: readonly GgufHeader[]): ModelShape {
  const [first] = headers;
  if (first === undefined) throw new RangeError('Expected the header of at least one file');
  const reject = rejection(first.file);
  const architecture = stringOf(first, 'general.architecture');
  const layers = numberOf(first, `${architecture}.block_count`);
  const embeddingDim = numberOf(first, `${architecture}.embedding_length`);
  // A header from a hub has not passed all checks of `inspectModel`, so its values are checked before they determine
  // the length of loops and arrays.
  const hasLayers = layers !== undefined && Number.isInteger(layers) && layers > 0 && layers <= MAX_LAYERS;
  if (architecture === undefined || !hasLayers || embeddingDim === undefined) {
    throw reject('metadata that every model needs are missing or invalid', {
      expected: `general.architecture, its embedding_length, and its block_count from 1 to ${MAX_LAYERS}`,
      found: `architecture ${architecture}, block_count ${layers}, embedding_length ${embeddingDim}`,
    });
  }
  const tensors = headers.flatMap((header) => header.tensors);
  const layerBytes = new Array<number>(layers).fill(0);
  const usedLayerBytes = new Array<number>(layers).fill(0);
  const usedExperts = usedExpertRatio(first, architecture);
  let inputBytes = 0;
  let outputBytes = 0;
  for (const { name, bytes } of tensors) {
    const place = placeOf(name, layers);
    if (typeof place === 'number') {
      layerBytes[place] = (layerBytes[place] ?? 0) + bytes;
      usedLayerBytes[place] = (usedLayerBytes[place] ?? 0) + bytes * (EXPERTS_TENSOR.test(name) ? usedExperts : 1);
    } else if (place === 'input') inputBytes += bytes;
    else outputBytes += bytes;
  }
  return {
    architecture,
    name: stringOf(first, 'general.name'),
    quantization: quantization(first, tensors),
    modelType: architecture === 'bitnet' || tensors.some(({ type }) => TERNARY.has(type.name)) ? 'bitnet' : 'gguf',
    vocabSize: vocabSize(first, architecture, tensors),
    embeddingDim,
    feedForwardDim: feedForwardDim(first, architecture, tensors),
    trainContextSize: numberOf(first, `${architecture}.context_length`) ?? 0,
    layerBytes,
    usedLayerBytes,
    inputBytes,
    outputBytes,
    ...readAttention(first, architecture, layers, tensors),
    fileBytes: sum(headers.map(({ fileBytes }) => fileBytes)),
  };
}

/** Returns the file's declared quantization, otherwise the tensor type with the most bytes. */
function quantization(header: GgufHeader, tensors: readonly GgufTensor[]): string {
  const named = FILE_TYPES.get(numberOf(header, 'general.file_type') ?? -1);
  if (named !== undefined) return named;
  const bytes = new Map<string, number>();
  for (const tensor of tensors) bytes.set(tensor.type.name, (bytes.get(tensor.type.name) ?? 0) + tensor.bytes);
  const [most] = [...bytes].sort(([, a], [, b]) => b - a);
  return most?.[0] ?? 'unknown';
}

function vocabSize(header: GgufHeader, architecture: string, tensors: readonly GgufTensor[]): number {
  return (
    arrayOf(header, 'tokenizer.ggml.tokens')?.length ??
    numberOf(header, `${architecture}.vocab_size`) ??
    tensors.find(({ name }) => name === 'token_embd.weight')?.dimensions[1] ??
    0
  );
}

/** Returns the fraction of the experts that a token uses; 1 without experts. */
function usedExpertRatio(header: GgufHeader, architecture: string): number {
  const experts = numberOf(header, `${architecture}.expert_count`) ?? 0;
  const used = usedExpertCount(header, architecture);
  return experts > 0 && used > 0 ? Math.min(1, used / experts) : 1;
}

/** Returns the number of experts that a token uses (the maximum over all layers); 0 without experts. */
export function usedExpertCount(header: GgufHeader, architecture: string): number {
  const key = `${architecture}.expert_used_count`;
  const listed = arrayOf(header, key)?.numbers?.map(Number);
  return listed === undefined ? (numberOf(header, key) ?? 0) : Math.max(0, ...listed);
}

/**
 * Returns the maximum width of the feed-forward networks of all blocks: of a dense network, or the total of the experts
 * used per token and the shared experts.
 */
function feedForwardDim(header: GgufHeader, architecture: string, tensors: readonly GgufTensor[]): number {
  const used = usedExpertCount(header, architecture);
  const widths = new Map<string, number>();
  for (const { name, dimensions } of tensors) {
    const [, layer, kind] = FEED_FORWARD_TENSOR.exec(name) ?? [];
    if (layer === undefined) continue;
    const width = (dimensions[0] ?? 0) * (kind === '_exps' ? used : 1);
    widths.set(layer, (widths.get(layer) ?? 0) + width);
  }
  return Math.max(0, ...widths.values());
}
