/** Runs one thing after the other. */
export class Lane {
  #tail: Promise<unknown> = Promise.resolve();

  /** Runs something when everything before it has ended. Rejects with the signal's reason if it is aborted before. */
  run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(() => {
      signal.throwIfAborted();
      return work();
    });
    this.#tail = turn.catch(() => {});
    return turn;
  }
}
