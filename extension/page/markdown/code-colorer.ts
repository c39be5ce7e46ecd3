import type { ColoredCode } from './code-colors.ts';

/** Longest code that is colored, characters. */
const MAX_CODE = 20_000;

/** Time limit for a block of code, milliseconds. Real code takes a few, hostile code seconds. */
const MAX_MS = 3_000;

/** Number of blocks that exceed the limit before a page stops coloring code. */
const MAX_TIMEOUTS = 2;

let worker: Worker | undefined;
let timeouts = 0;
/** Resolves when the earlier blocks have been colored. */
let previous: Promise<unknown> = Promise.resolve();

/**
 * Returns code divided into parts to color. Blocks are processed one at a time. Resolves with undefined if the code is too
 * long or takes too long, if its language is not known, or if `signal` was aborted while it waited.
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
