/**
 * Returns a function that runs `work`, one run at a time. Calls during a run cause one further run. Resolves when no run is
 * left; rejects if a run does, which also cancels the further one.
 */
export function coalesced(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let isStale = false;
  const runAll = async () => {
    try {
      while (isStale) {
        isStale = false;
        await work();
      }
    } finally {
      running = undefined;
    }
  };
  return () => {
    isStale = true;
    running ??= runAll();
    return running;
  };
}
