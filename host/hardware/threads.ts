import type { CpuFacts } from './types.ts';

/** How many CPU threads a model can use. Within this its runner follows the load of the machine. */
export interface ThreadRange {
  /** Cores as fast as the fastest: a slower one holds up all others at ggml's barriers. */
  readonly quick: number;
  readonly most: number;
}

/**
 * Most threads for one model: beyond them a token waits for the memory, not for a core, and every further thread is one
 * more to wait for at ggml's barriers.
 */
const MAX_THREADS = 16;

/** What the CPUs did over a moment, in CPUs: 0.5 is half of one. */
export interface CpuLoad {
  /** Time of this process. */
  readonly own: number;
  /** Time of all other processes. */
  readonly others: number;
  readonly idle: number;
  /** CPUs that this process may run on. More than its share where a quota limits it. */
  readonly cpus: number;
}

/** Below this part of the CPUs idle, processes compete for them. */
const CONTENTION_IDLE = 0.05;

/** Load of others that counts as a whole core, in cores: a desktop at rest causes less. */
const BUSY_CORE = 0.4;

/**
 * Returns the threads that can be used on a processor: one for each physical core but one, which the host and the browser
 * need. With two cores and nothing else running, one thread gave 82 tokens per second, and two gave 46.
 */
export function threadRange({
  cores,
  performanceCores = cores,
}: Pick<CpuFacts, 'cores' | 'performanceCores'>): ThreadRange {
  return { quick: Math.max(1, performanceCores), most: Math.max(1, Math.min(cores - 1, MAX_THREADS)) };
}

/**
 * Threads for which a fast core is free, at least 1.
 *
 * @param running Threads of this process that had work during the measurement. Where CPU time is short, what they did
 * not get is time that others took from them, and would take again.
 * @param usable CPUs that this process gets at most: fewer than it may run on where it has a quota.
 */
export function freeThreads(
  { quick, most }: ThreadRange,
  { own, others, idle, cpus }: CpuLoad,
  { running, usable }: { running: number; usable: number },
): number {
  const lost = idle < CONTENTION_IDLE * cpus ? Math.max(0, running - own) : 0;
  // A quota smaller than the machine leaves other cores to other processes.
  const taken = Math.max(0, Math.min(cpus, others + lost) - Math.max(0, cpus - usable));
  return Math.max(1, Math.min(Math.floor(quick - taken + BUSY_CORE), most));
}
