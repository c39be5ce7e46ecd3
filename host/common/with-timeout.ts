/**
 * Waits for `work`, at most `ms` milliseconds; rejects after that. The work itself is not stopped.
 *
 * @param late What is waited for, in words, or the fault it is that it does not come.
 */
export async function withTimeout<T>(work: Promise<T>, ms: number, late: string | (() => Error)): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(typeof late === 'string' ? new Error(`${late} gave no answer in ${ms} ms`) : late()),
      ms,
    );
    timer.unref();
  });
  try {
    return await Promise.race([work, passed]);
  } finally {
    clearTimeout(timer);
  }
}
