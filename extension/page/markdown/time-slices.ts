/** Longest time that work takes before the page can draw, milliseconds. */
const SLICE_MS = 8;

const waiting = new Set<() => void>();
let isScheduled = false;

/** Runs a short task soon, so that many of them do not delay a frame. Returns a function that cancels it. */
export function runInSlices(task: () => void): () => void {
  waiting.add(task);
  schedule();
  return () => waiting.delete(task);
}

function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  setTimeout(runSlice);
}

function runSlice(): void {
  isScheduled = false;
  const end = performance.now() + SLICE_MS;
  for (const task of waiting) {
    if (performance.now() > end) break;
    waiting.delete(task);
    task();
  }
  if (waiting.size > 0) schedule();
}
