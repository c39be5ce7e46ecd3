import type { ColoredCode } from './code-colors.ts';

/** Longest code that is colored, characters. */
const MAX_CODE = 20_000;

/** Longest time for a block of code, milliseconds. Real code takes a few; code that was made to be slow takes seconds. */
const MAX_MS = 3_000;

/** After so many blocks that took too long, a page colors no others. */
const MAX_TIMEOUTS = 2;

let worker: Worker | undefined;
let timeouts = 0;
/** Ends when the blocks before have been colored. */
let previous: Promise<unknown> = Promise.resolve();

/**
 * Returns code divided into parts to color, one block after another. Undefined if it is too long or too slow, if its
 * language is not known, or if `signal` was aborted before its turn.
 */
export function colorInWorker(code: string, language: string, signal: AbortSignal): Promise<ColoredCode | undefined> {
  const colored = previous.then(() => {
    const isPossible = language !== '' && code.length <= MAX_CODE && timeouts < MAX_TIMEOUTS && !signal.aborted;
    return isPossible ? color(code, language) : undefined;
  });
  previous = colored;
  return colored;
}

function color(code: string, language: string): Promise<ColoredCode | undefined> {
  worker ??= new Worker(new URL('./code-colors-worker.ts', import.meta.url), { type: 'module' });
  const current = worker;
  const { promise, resolve } = Promise.withResolvers<ColoredCode | undefined>();
  const end = (isUsable: boolean, colored?: ColoredCode) => {
    clearTimeout(timer);
    resolve(colored);
    if (isUsable) return;
    current.terminate();
    worker = undefined;
    timeouts += 1;
  };
  const timer = setTimeout(() => end(false), MAX_MS);
  current.onmessage = ({ data }) => end(true, data);
  current.onerror = () => end(false);
  current.postMessage({ code, language });
  return promise;
}
