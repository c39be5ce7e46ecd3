import type { ProgressListener } from '../common/progress.ts';

/**
 * One piece of work that several callers wait for. Each hears its progress and may leave by its own signal; the work
 * itself is given up only when the last of them has left.
 */
export class SharedWork<T, P> {
  readonly #controller = new AbortController();
  readonly #listeners = new Set<ProgressListener<P>>();
  readonly #work: Promise<T>;
  #waiting = 0;

  constructor(run: (signal: AbortSignal, onProgress: ProgressListener<P>) => Promise<T>) {
    this.#work = run(this.#controller.signal, (progress) => {
      for (const listener of this.#listeners) listener(progress);
    });
    this.#work.catch(() => undefined);
  }

  /** True once nobody waits any more: who comes now has to begin anew. */
  get isAbandoned(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Resolves when the work has ended, well or not. */
  async settled(): Promise<void> {
    await this.#work.catch(() => undefined);
  }

  /** Gives the work up whoever waits; all of them get `reason`. */
  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /** Waits for the work. When `signal` is aborted, rejects with its reason once this caller has left. */
  async join(options: { signal?: AbortSignal | undefined; onProgress?: ProgressListener<P> | undefined }): Promise<T> {
    const { signal, onProgress } = options;
    signal?.throwIfAborted();
    this.#waiting += 1;
    if (onProgress !== undefined) this.#listeners.add(onProgress);
    const left = Promise.withResolvers<never>();
    let here = true;
    const depart = () => {
      if (here) this.#waiting -= 1;
      here = false;
    };
    const leave = () => {
      depart();
      if (this.#waiting === 0) this.#controller.abort(signal?.reason);
      // The last one to leave waits for the end, so that nothing of the work is left when it hears.
      else left.reject(signal?.reason);
    };
    signal?.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([this.#work, left.promise]);
    } finally {
      depart();
      signal?.removeEventListener('abort', leave);
      if (onProgress !== undefined) this.#listeners.delete(onProgress);
    }
  }
}
