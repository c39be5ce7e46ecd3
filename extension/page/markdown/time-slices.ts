/** Longest time that tasks take between two frames, milliseconds. */
const SLICE_MS = 8;

const waiting = new Set<() => void>();
let isScheduled = false;

/** Queues a short task; many of them do not delay a frame. Returns a function that cancels the task. */
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
