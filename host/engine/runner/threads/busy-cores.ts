import { cpus } from 'node:os';

/** Shorter than this the system's own counting is too coarse: it counts hundredths of a second. */
const SHORTEST_MS = 80;

/** Measures how many cores other processes keep busy, from when it is made. */
export class BusyCores {
  readonly #begun = performance.now();
  readonly #own = process.cpuUsage();
  readonly #all = busyMs();

  /** Cores that others kept busy meanwhile; undefined where there was not time enough to tell. */
  get others(): number | undefined {
    const elapsed = performance.now() - this.#begun;
    if (elapsed < SHORTEST_MS) return undefined;
    const { user, system } = process.cpuUsage(this.#own);
    return Math.max(0, (busyMs() - this.#all - (user + system) / 1000) / elapsed);
  }
}

/** Milliseconds that all cores together have been busy. */
function busyMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
}
