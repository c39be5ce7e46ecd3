import { arrayOf, type GgufHeader, numberOf } from './header.ts';

/**
 * Width of the feed-forward network if the header does not state it, as a multiple of the embedding length: that of the
 * first Llama models.
 */
const DEFAULT_WIDTH_FACTOR = 3.5;

/**
 * Returns the width of a model's feed-forward network: `feed_forward_length` (the largest, if there is one per layer),
 * or for a mixture of experts the total of the experts used per token and the shared ones, if that is more.
 */
export function feedForwardDim(header: GgufHeader, architecture: string): number {
  const number = (key: string) => numberOf(header, `${architecture}.${key}`) ?? 0;
  const listed = arrayOf(header, `${architecture}.feed_forward_length`)?.numbers ?? [];
  const dense = listed.reduce<number>((most, width) => Math.max(most, Number(width)), number('feed_forward_length'));
  const perExpert = number('expert_feed_forward_length') || dense;
  const experts = number('expert_used_count') * perExpert + number('expert_shared_feed_forward_length');
  const width = Math.max(dense, experts);
  return width > 0 ? width : number('embedding_length') * DEFAULT_WIDTH_FACTOR;
}
