import type { Clock } from '../common/clock.ts';

/** How long one loaded model has had nothing to do, and what happens when that is long enough. */
export class IdleWatch {
  readonly #clock: Clock;
  readonly #onIdle: () => void;
  #keepAliveMs: number | undefined;
  #working = 0;
  #lastUsed: number;
  #cancel: (() => void) | undefined;

  /** @param keepAliveMs Idle time after which `onIdle` is called, once; undefined = never. */
  constructor(options: { clock: Clock; keepAliveMs: number | undefined; onIdle: () => void }) {
    this.#clock = options.clock;
    this.#onIdle = options.onIdle;
    this.#keepAliveMs = options.keepAliveMs;
    this.#lastUsed = this.#clock.now();
    this.#wait();
  }

  /** The clock's time when it last had something to do. */
  get lastUsed(): number {
    return this.#lastUsed;
  }

  get isWorking(): boolean {
    return this.#working > 0;
  }

  /** Changes the idle time it is given, from now on. */
  keepAlive(ms: number | undefined): void {
    this.#keepAliveMs = ms;
    this.#wait();
  }

  /** Has it count as working until `work` has settled. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#working += 1;
    this.#wait();
    try {
      return await work();
    } finally {
      this.#working -= 1;
      this.#lastUsed = this.#clock.now();
      this.#wait();
    }
  }

  /** Watches no longer. */
  close(): void {
    this.#keepAliveMs = undefined;
    this.#wait();
  }

  #wait(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#keepAliveMs !== undefined && !this.isWorking) {
      this.#cancel = this.#clock.after(this.#keepAliveMs, this.#onIdle);
    }
  }
}
