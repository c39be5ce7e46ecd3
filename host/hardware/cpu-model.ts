/** One row of a table of CPUs: which ones it covers, and what they are. */
export interface CpuModel {
  /** As its maker calls the generation: `Zen 4`, `Sapphire Rapids`. */
  readonly name: string;
  /** The ggml binary that uses all it can do, as a rule: what counts where the operating system lists no flags. */
  readonly variant: string;
  /** CPUID family, decimal. */
  readonly family: number;
  /** CPUID models, ranges with both ends. */
  readonly models: readonly (readonly [first: number, last: number])[];
  /** Only these steppings, a range with both ends. */
  readonly steppings?: readonly [first: number, last: number];
  /** Only CPUs of this brand string. */
  readonly brand?: RegExp;
}
