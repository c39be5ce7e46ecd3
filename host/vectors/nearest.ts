/** The index of an item in a list, and its score. */
export interface Scored {
  readonly index: number;
  readonly score: number;
}

/**
 * Returns the `k` highest scores, highest first; equal scores in order of their index. Omits scores below `threshold`.
 */
export function nearest(scores: readonly Scored[], k: number, threshold = Number.NEGATIVE_INFINITY): Scored[] {
  return scores
    .filter(({ score }) => score >= threshold)
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .slice(0, k);
}
