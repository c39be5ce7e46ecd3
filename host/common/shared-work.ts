import type { ProgressListener } from './progress.ts';

/**
 * One piece of work that several callers wait for. Each receives its progress and can leave by aborting its own signal;
 * the work is aborted when the last of them has left.
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

  /** True once the work was aborted: a new caller has to start it again. */
  get isAborted(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Resolves when the work has ended, successfully or not. */
  async settled(): Promise<void> {
    await this.#work.catch(() => undefined);
  }

  /** Aborts the work; every caller that waits gets `reason`. */
  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /** Waits for the work. Rejects with the signal's reason when `signal` is aborted first. */
  async join(options: { signal?: AbortSignal | undefined; onProgress?: ProgressListener<P> | undefined }): Promise<T> {
    const { signal, onProgress } = options;
    signal?.throwIfAborted();
    this.#waiting += 1;
    if (onProgress !== undefined) this.#listeners.add(onProgress);
    const left = Promise.withResolvers<never>();
    let isWaiting = true;
    const stopWaiting = () => {
      if (isWaiting) this.#waiting -= 1;
      isWaiting = false;
    };
    const leave = () => {
      stopWaiting();
      // The last caller to leave waits until the work has ended, so that nothing of it is left when its call rejects.
      if (this.#waiting === 0) this.#controller.abort(signal?.reason);
      else left.reject(signal?.reason);
    };
    signal?.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([this.#work, left.promise]);
    } finally {
      stopWaiting();
      signal?.removeEventListener('abort', leave);
      if (onProgress !== undefined) this.#listeners.delete(onProgress);
    }
  }
}
