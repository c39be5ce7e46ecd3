/** Speed is taken over this long, milliseconds: long enough to be steady, short enough to tell of a change. */
const WINDOW_MS = 3_000;
/** Samples closer together than this are taken for one, milliseconds. */
const SAMPLE_MS = 50;
/** Over less than this a speed is chance: the first bytes come all at once. Milliseconds. */
const SHORTEST_MS = 200;

/** How fast a number of bytes grows. */
export class SpeedMeter {
  readonly #now: () => number;
  #samples: { at: number; bytes: number }[] = [];

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Hears how many bytes there are by now. */
  note(bytes: number): void {
    const at = this.#now();
    const last = this.#samples.at(-1);
    if (last !== undefined && this.#samples.length > 1 && at - last.at < SAMPLE_MS) last.bytes = bytes;
    else this.#samples.push({ at, bytes });
    while (this.#samples.length > 2 && (this.#samples[1]?.at ?? at) < at - WINDOW_MS) this.#samples.shift();
  }

  /** Bytes a second over the last seconds; 0 before there is enough to tell. */
  get bytesPerSecond(): number {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.at - first.at < SHORTEST_MS) return 0;
    return Math.max(0, ((last.bytes - first.bytes) / (last.at - first.at)) * 1000);
  }
}
