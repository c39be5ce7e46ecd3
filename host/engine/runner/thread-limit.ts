import { availableParallelism } from 'node:os';
import { type CpuTime, type CpuTimeSource, cpuLoad, ownCpuTimes, readCpuTime } from '../../hardware/cpu-time.ts';
import { freeThreads, type ThreadRange } from '../../hardware/threads.ts';
import type { Llama } from './binding-types.ts';

/** Time between two measurements while a request runs, milliseconds. */
const INTERVAL_MS = 250;

/** Shortest time that is measured, milliseconds: the system counts CPU time in hundredths of a second. */
const SHORTEST_MS = 80;

/**
 * Limits llama.cpp to as many threads as there are cores that other processes leave free, while requests run. ggml's
 * threads spin at barriers, so one that has to share its core slows down all the others.
 *
 * Beside a busy core, one thread too many makes a model several times slower (generated model of 300 MiB on two cores: 13
 * instead of 74 tokens per second; `npm run bench -- threads`).
 */
export class ThreadLimit {
  readonly #llama: Pick<Llama, 'maxThreads'>;
  readonly #range: ThreadRange;
  readonly #source: CpuTimeSource;
  #before: CpuTime | undefined;
  #isOff = false;
  #requests = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param llama Its `maxThreads` is set before each request and during it. */
  constructor(llama: Pick<Llama, 'maxThreads'>, range: ThreadRange, source: CpuTimeSource = ownCpuTimes()) {
    this.#llama = llama;
    this.#range = range;
    this.#source = source;
  }

  /** Measures from now on. */
  async start(): Promise<void> {
    this.#before = await readCpuTime(this.#source);
  }

  /** Runs a request with a limit that follows the load. Several can run at the same time. */
  async during<T>(run: () => Promise<T>): Promise<T> {
    this.#requests += 1;
    if (this.#requests === 1) {
      // What others did since the last request; this process had nothing to do.
      await this.#update(0);
      this.#timer ??= setInterval(() => void this.#update(this.#llama.maxThreads), INTERVAL_MS);
    }
    try {
      return await run();
    } finally {
      this.#requests -= 1;
      if (this.#requests === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
        await this.start();
      }
    }
  }

  /** Creates a context without the limit, which would otherwise be the most that it can ever use. */
  async withoutLimit<T>(create: () => Promise<T>): Promise<T> {
    const { maxThreads } = this.#llama;
    this.#llama.maxThreads = 0;
    this.#isOff = true;
    try {
      return await create();
    } finally {
      this.#isOff = false;
      this.#llama.maxThreads = maxThreads;
    }
  }

  /** @param running Threads that llama.cpp used since the last measurement. */
  async #update(running: number): Promise<void> {
    const before = this.#before;
    if (before !== undefined && this.#source.now() - before.atMs < SHORTEST_MS) return;
    const after = await readCpuTime(this.#source);
    this.#before = after;
    const load = before && after && cpuLoad(before, after);
    if (this.#isOff) return;
    // Where the system reports no load, all cores but one: the browser and the host need some of the time.
    this.#llama.maxThreads =
      load === undefined
        ? Math.max(1, Math.min(this.#range.quick - 1, this.#range.most))
        : freeThreads(this.#range, load, { running, usable: availableParallelism() });
  }
}
