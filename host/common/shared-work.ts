import type { ProgressListener } from './progress.ts';

/**
 * Work that several callers wait for. Each receives its progress and can stop waiting by aborting its signal. The work
 * is aborted when no caller waits any more.
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

  /** Whether the work was aborted. A new caller must then start it again. */
  get isAborted(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Resolves when the work has ended, successfully or not. */
  async settled(): Promise<void> {
    await this.#work.catch(() => undefined);
  }

  /** Aborts the work. Waiting callers reject with `reason`. */
  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /** Waits for the work. Rejects with the signal's reason if `signal` is aborted first. */
  async join(options: { signal?: AbortSignal | undefined; onProgress?: ProgressListener<P> | undefined }): Promise<T> {
    const { signal, onProgress } = options;
    signal?.throwIfAborted();
    this.#waiting += 1;
    if (onProgress !== undefined) this.#listeners.add(onProgress);
    const aborted = Promise.withResolvers<never>();
    let isWaiting = true;
    const stopWaiting = () => {
      if (isWaiting) this.#waiting -= 1;
      isWaiting = false;
    };
    const abort = () => {
      stopWaiting();
      // The last caller aborts the work and rejects only when it has ended.
      if (this.#waiting === 0) this.#controller.abort(signal?.reason);
      else aborted.reject(signal?.reason);
    };
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await Promise.race([this.#work, aborted.promise]);
    } finally {
      stopWaiting();
      signal?.removeEventListener('abort', abort);
      if (onProgress !== undefined) this.#listeners.delete(onProgress);
    }
  }
}
