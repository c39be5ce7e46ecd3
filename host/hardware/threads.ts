import type { CpuFacts } from './types.ts';

/** How many CPU threads a model may have. Within this its runner chooses, by what it measures. */
export interface ThreadRange {
  /** Cores that are as quick as the quickest: slower ones hold up all others at ggml's barriers. */
  readonly quick: number;
  readonly most: number;
}

/**
 * Most threads for one model: beyond them a token waits for the memory, not for a core, and every further thread is one
 * more to wait for at ggml's barriers.
 */
const MAX_THREADS = 16;

/** The work of everything but this process, measured over a moment, in hardware threads. */
export interface OthersLoad {
  /** What others kept busy. */
  readonly busy: number;
  /** What nobody kept busy. */
  readonly idle: number;
  /** What this process may run on. More than its share where a quota limits it. */
  readonly among: number;
}

/** Below which part of the machine idle it counts as full. */
const FULL = 0.05;

/** From which part of a core on others' work counts as a whole one: what a desktop does at rest takes less. */
const BUSY_CORE = 0.4;

/** The threads that may be tried on a processor: one for each physical core. A second one on a core only spins. */
export function threadRange({ cores, quickCores = cores }: Pick<CpuFacts, 'cores' | 'quickCores'>): ThreadRange {
  return { quick: Math.max(1, quickCores), most: Math.max(1, Math.min(cores, MAX_THREADS)) };
}

/**
 * Threads to begin with: the quick cores but those that are busy, and but one, which is left to the browser and the host.
 * ggml's threads spin at barriers, so one that has to share its core holds up all the others (2 busy cores, measured: 2 to
 * 67 tokens/s with 2 or 4 threads, 1,425 with one).
 *
 * @param busyCores What everybody else takes, in cores: 0.5 is half of one.
 */
export function firstThreads({ quick, most }: ThreadRange, busyCores: number): number {
  return Math.max(1, Math.min(quick - Math.max(1, Math.round(busyCores)), most));
}

/**
 * Threads for which a quick core is free at present.
 *
 * @param usable Hardware threads this process gets at most: fewer than it may run on where it has a quota.
 */
export function freeThreads({ quick, most }: ThreadRange, load: OthersLoad, usable: number): number {
  // A quota smaller than the machine is eaten up by nobody while other cores are free.
  const taken = Math.max(0, wantedBy(load) - Math.max(0, load.among - usable));
  return Math.max(1, Math.min(Math.floor(quick - taken + BUSY_CORE), most));
}

/** On a full machine a neighbour that shares its core with a thread of ours gets half of it, and would take it all. */
function wantedBy({ busy, idle, among }: OthersLoad): number {
  return idle < FULL * among ? Math.min(among, 2 * busy) : busy;
}
