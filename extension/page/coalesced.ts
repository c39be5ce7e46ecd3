/**
 * Returns a function that runs `work`, once at a time. Calls while it runs cause one more run, and resolve after that.
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
