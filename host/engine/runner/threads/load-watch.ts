import { type CpuTime, type CpuTimeSource, othersLoad, ownCpuTimes, readCpuTime } from '../../../hardware/cpu-time.ts';
import type { OthersLoad } from '../../../hardware/threads.ts';

/** Shorter than this the system's own counting is too coarse: it counts hundredths of a second. */
const SHORTEST_MS = 80;

/** Measures what other processes do, from one look to the next. */
export class LoadWatch {
  readonly #source: CpuTimeSource;
  #before: CpuTime | undefined;

  constructor(source: CpuTimeSource = ownCpuTimes()) {
    this.#source = source;
  }

  /** Measures from now on. */
  async begin(): Promise<void> {
    this.#before = await readCpuTime(this.#source);
  }

  /** What others did since the last look; undefined where there was not time enough to tell, or the system does not. */
  async look(): Promise<OthersLoad | undefined> {
    const before = this.#before;
    if (before === undefined || this.#source.now() - before.atMs < SHORTEST_MS) return undefined;
    const after = await readCpuTime(this.#source);
    this.#before = after;
    return after && othersLoad(before, after);
  }
}
