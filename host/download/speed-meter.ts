/** Time over which the speed is averaged, in milliseconds: long enough for a stable value, short enough for changes. */
const WINDOW_MS = 3_000;
/** Minimum interval between two samples, in milliseconds. */
const SAMPLE_MS = 50;
/** Minimum time before a speed is reported, in milliseconds: the first bytes arrive all at once. */
const MIN_WINDOW_MS = 200;

/** Measures the speed of a growing number of bytes. */
export class SpeedMeter {
  readonly #now: () => number;
  #samples: { at: number; bytes: number }[] = [];

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Records the number of bytes so far. */
  record(bytes: number): void {
    const at = this.#now();
    const last = this.#samples.at(-1);
    if (last !== undefined && this.#samples.length > 1 && at - last.at < SAMPLE_MS) last.bytes = bytes;
    else this.#samples.push({ at, bytes });
    while (this.#samples.length > 2 && (this.#samples[1]?.at ?? at) < at - WINDOW_MS) this.#samples.shift();
  }

  /** Average of the last few seconds, in bytes per second; 0 until it is known. */
  get bytesPerSecond(): number {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.at - first.at < MIN_WINDOW_MS) return 0;
    return Math.max(0, ((last.bytes - first.bytes) / (last.at - first.at)) * 1000);
  }
}
