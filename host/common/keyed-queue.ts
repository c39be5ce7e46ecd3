/** Serializes asynchronous work by key: work with the same key runs in the order of the calls. */
export class KeyedQueue {
  /** By key: settles when all work that was queued so far has ended. */
  readonly #last = new Map<string, Promise<unknown>>();

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    this.#last.set(key, ended);
    try {
      await before;
      return await work();
    } finally {
      resolve();
      if (this.#last.get(key) === ended) this.#last.delete(key);
    }
  }
}
