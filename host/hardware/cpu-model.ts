/** A row of a table of CPUs. */
export interface CpuModel {
  /** The manufacturer's name for the generation: `Zen 4`, `Sapphire Rapids`. */
  readonly name: string;
  /** The best ggml build for it in general; used if the operating system lists no CPU flags. */
  readonly variant: string;
  /** CPUID family, decimal. */
  readonly family: number;
  /** CPUID models, inclusive ranges. */
  readonly models: readonly (readonly [first: number, last: number])[];
  /** Only these steppings, an inclusive range. */
  readonly steppings?: readonly [first: number, last: number];
  /** Only CPUs with this brand string. */
  readonly brand?: RegExp;
}
