import { arrayOf, type GgufHeader, numberOf } from './header.ts';

/** Where a header does not say how wide the feed-forward part is: that of Llama's first models, in embeddings. */
const USUAL_WIDTH = 3.5;

/**
 * Width of a model's feed-forward part: `feed_forward_length`, of which there may be one a layer (the largest counts),
 * or of a mixture of experts what those for one token and the shared ones make together, where that is more.
 */
export function feedForwardDim(header: GgufHeader, architecture: string): number {
  const number = (key: string) => numberOf(header, `${architecture}.${key}`) ?? 0;
  const listed = arrayOf(header, `${architecture}.feed_forward_length`)?.numbers ?? [];
  const dense = listed.reduce<number>((most, width) => Math.max(most, Number(width)), number('feed_forward_length'));
  const ofExpert = number('expert_feed_forward_length') || dense;
  const experts = number('expert_used_count') * ofExpert + number('expert_shared_feed_forward_length');
  const width = Math.max(dense, experts);
  return width > 0 ? width : number('embedding_length') * USUAL_WIDTH;
}
