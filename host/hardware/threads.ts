import type { CpuFacts } from './types.ts';

/** Limits for the number of CPU threads of a model. Its runner adapts to the load of the computer within them. */
export interface ThreadRange {
  /** Number of fast cores. At ggml's barriers, all threads wait for the slowest one. */
  readonly quick: number;
  readonly most: number;
}

/**
 * Maximum number of threads of a model. With more threads, speed is limited by memory bandwidth, and every thread adds
 * waiting time at ggml's barriers.
 */
const MAX_THREADS = 16;

/** CPU load over a short time, in CPUs: 0.5 is half a CPU. */
export interface CpuLoad {
  /** Load of this process. */
  readonly own: number;
  /** Load of all other processes. */
  readonly others: number;
  readonly idle: number;
  /** Number of CPUs on which this process may run, regardless of a quota. */
  readonly cpus: number;
}

/** Fraction of idle CPUs below which processes compete for them. */
const CONTENTION_IDLE = 0.05;

/** Load of other processes that counts as a busy core, in cores: an idle desktop causes less. */
const BUSY_CORE = 0.4;

/**
 * Returns the limits for a CPU: one thread per physical core, except one core for the host and the browser. On an idle
 * computer with two cores, one thread generated 82 tokens per second, and two generated 46.
 */
export function threadRange({
  cores,
  performanceCores = cores,
}: Pick<CpuFacts, 'cores' | 'performanceCores'>): ThreadRange {
  return { quick: Math.max(1, performanceCores), most: Math.max(1, Math.min(cores - 1, MAX_THREADS)) };
}

/**
 * Returns the number of threads for which a fast core is free, at least 1.
 *
 * @param running Number of threads of this process that had work during the measurement. If CPUs are scarce, the time
 * that   they did not get was used by other processes, which will continue to use it.
 * @param usable Number of CPUs that this process can use: its quota, if it has one.
 */
export function freeThreads(
  { quick, most }: ThreadRange,
  { own, others, idle, cpus }: CpuLoad,
  { running, usable }: { running: number; usable: number },
): number {
  const lost = idle < CONTENTION_IDLE * cpus ? Math.max(0, running - own) : 0;
  // With a quota, other processes can use the cores beyond it.
  const taken = Math.max(0, Math.min(cpus, others + lost) - Math.max(0, cpus - usable));
  return Math.max(1, Math.min(Math.floor(quick - taken + BUSY_CORE), most));
}
