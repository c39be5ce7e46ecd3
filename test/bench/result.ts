/** The result of a benchmark. */
export interface BenchResult {
  readonly name: string;
  /** The measured ratio, or a value in the unit that `name` contains. */
  readonly ratio: number;
  /** The goal, such as `at most 1.5`. */
  readonly goal: string;
  readonly ok: boolean;
  /** The measured values, for people. */
  readonly detail: string;
}
