/**
 * Waits for `work` for at most `ms` milliseconds, then rejects. Does not stop the work.
 *
 * @param timeout Name of the work, for the error message, or a function that creates the error.
 */
export async function withTimeout<T>(work: Promise<T>, ms: number, timeout: string | (() => Error)): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(typeof timeout === 'string' ? new Error(`${timeout} did not respond within ${ms} ms`) : timeout()),
      ms,
    );
    timer.unref();
  });
  try {
    return await Promise.race([work, timedOut]);
  } finally {
    clearTimeout(timer);
  }
}
