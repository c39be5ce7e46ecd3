/** Runs one job at a time, in the order in which they were added. */
export class Lane {
  readonly #waiting = new Set<() => Promise<void>>();
  #isRunning = false;

  /**
   * Runs a job after those that were added before. One that is aborted while it waits leaves the queue, so that a caller
   * cannot fill the memory with requests that it stops.
   *
   * @throws the signal's reason when aborted before the job starts; what the job throws.
   */
  run<T>(signal: AbortSignal, job: () => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const leave = () => {
      this.#waiting.delete(start);
      reject(signal.reason);
    };
    const start = () => {
      signal.removeEventListener('abort', leave);
      return job().then(resolve, reject);
    };
    if (signal.aborted) leave();
    else {
      signal.addEventListener('abort', leave);
      this.#waiting.add(start);
      void this.#runNext();
    }
    return promise;
  }

  async #runNext(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    for (const start of this.#waiting) {
      this.#waiting.delete(start);
      await start();
    }
    this.#isRunning = false;
  }
}
