import { arrayOf, type GgufHeader, numberOf } from './header.ts';
import { MAX_LAYERS } from './limits.ts';
import { rejection } from './reject.ts';

/** Keys whose value is one number for all layers or a list with a number per layer. */
const PER_LAYER = ['attention.head_count', 'attention.head_count_kv', 'feed_forward_length'] as const;

/** Tensors whose dimensions llama.cpp derives from the number of attention heads. */
const ATTENTION_TENSOR = /^blk\.\d+\.attn_(?:q|k|v|qkv|output)\.weight$/;

/** Tensors whose dimensions llama.cpp derives from the feed-forward length. Experts have their own length. */
const FEED_FORWARD_TENSOR = /^blk\.\d+\.ffn_(?:up|gate|down)\.weight$/;

/**
 * Rejects a file whose metadata does not match its tensors: llama.cpp derives tensor dimensions from the metadata and
 * aborts if one is not positive. Which lists and zeros are valid depends on the architecture; only values that are
 * invalid for every architecture are rejected.
 *
 * @throws HostError `MODEL_REJECTED`.
 */
export function checkLayerSizes(
  header: GgufHeader,
  architecture: string,
  layers: number,
  tensorNames: readonly string[],
): void {
  const reject = rejection(header.file);
  for (const name of PER_LAYER) {
    const key = `${architecture}.${name}`;
    const list = arrayOf(header, key);
    if (list !== undefined && (list.length < layers || list.length > MAX_LAYERS)) {
      throw reject(`${key} lists ${list.length} values for ${layers} layers`, { expected: layers, found: list.length });
    }
  }
  const headCount = `${architecture}.attention.head_count`;
  const kvHeadCount = `${architecture}.attention.head_count_kv`;
  const feedForward = `${architecture}.feed_forward_length`;
  const heads = numberOf(header, headCount);
  const kvHeads = numberOf(header, kvHeadCount);
  if (heads === 0 && tensorNames.some((name) => ATTENTION_TENSOR.test(name))) {
    throw reject('it contains attention tensors, but declares no attention heads', {
      expected: `${headCount} of 1 or more`,
      found: 0,
    });
  }
  if (heads !== undefined && heads > 0 && kvHeads !== undefined && (kvHeads === 0 || kvHeads > heads)) {
    throw reject(`it declares ${heads} attention heads, but ${kvHeads || 'no'} key-value heads`, {
      expected: `${kvHeadCount} from 1 to ${heads}`,
      found: kvHeads,
    });
  }
  if (numberOf(header, feedForward) === 0 && tensorNames.some((name) => FEED_FORWARD_TENSOR.test(name))) {
    throw reject('it contains feed-forward tensors, but declares no feed-forward length', {
      expected: `${feedForward} of 1 or more`,
      found: 0,
    });
  }
}
