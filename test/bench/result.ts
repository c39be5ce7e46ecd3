/** What one benchmark found. Only ratios taken in one run are compared with a goal: seconds depend on the machine. */
export interface BenchResult {
  readonly name: string;
  /** Which ratio stands here is said by `goal`. */
  readonly ratio: number;
  /** The ratio in words, with the bound, such as `theirs / ours >= 6`. */
  readonly goal: string;
  readonly ok: boolean;
  /** The times behind the ratio, and what was measured, for a person. */
  readonly detail: string;
}
