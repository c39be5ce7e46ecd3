/** Result of a benchmark. Only ratios from one run are compared with a goal: times depend on the machine. */
export interface BenchResult {
  readonly name: string;
  /** The ratio; `goal` describes it. */
  readonly ratio: number;
  /** The goal, such as `at most 1.5`. */
  readonly goal: string;
  readonly ok: boolean;
  /** The measured values, for people. */
  readonly detail: string;
}
