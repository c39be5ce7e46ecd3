/** The place of something in a list, and how well it did. */
export interface Scored {
  readonly index: number;
  readonly score: number;
}

/**
 * The best `k` of a list of scores, the best first; of equal ones the earlier first. With `threshold`, none below it.
 */
export function nearest(scores: readonly Scored[], k: number, threshold = Number.NEGATIVE_INFINITY): Scored[] {
  return scores
    .filter(({ score }) => score >= threshold)
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .slice(0, k);
}
