import { arrayOf, type GgufHeader, numberOf } from './header.ts';
import { MAX_LAYERS } from './limits.ts';
import { rejection } from './reject.ts';

/** Sizes that may be one number for all layers or a list of one for each. */
const PER_LAYER = ['attention.head_count', 'attention.head_count_kv', 'feed_forward_length'] as const;

/** Tensors whose dimensions llama.cpp works out from the number of attention heads. */
const OF_ATTENTION = /^blk\.\d+\.attn_(?:q|k|v|qkv|output)\.weight$/;

/** Tensors whose dimensions it works out from the feed-forward length. Those of experts have a length of their own. */
const OF_FEED_FORWARD = /^blk\.\d+\.ffn_(?:up|gate|down)\.weight$/;

/**
 * Refuses a file whose settings do not size the tensors it has: llama.cpp asks for dimensions worked out from them and
 * aborts where one is not positive. Which lists and zeros are legal is the architecture's affair, so only what no
 * architecture has is refused.
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
  if (heads === 0 && tensorNames.some((name) => OF_ATTENTION.test(name))) {
    throw reject('it contains attention tensors, but declares no attention heads', {
      expected: `${headCount} of 1 or more`,
      found: 0,
    });
  }
  if (heads !== undefined && heads > 0 && kvHeads !== undefined && (kvHeads === 0 || kvHeads > heads)) {
    throw reject(`it says it has ${heads} attention heads and ${kvHeads || 'none'} for keys and values`, {
      expected: `${kvHeadCount} from 1 to ${heads}`,
      found: kvHeads,
    });
  }
  if (numberOf(header, feedForward) === 0 && tensorNames.some((name) => OF_FEED_FORWARD.test(name))) {
    throw reject('it contains feed-forward tensors, but declares no feed-forward length', {
      expected: `${feedForward} of 1 or more`,
      found: 0,
    });
  }
}
