import { HostError } from '../common/errors.ts';
import type { ProgressListener } from '../common/progress.ts';
import type { LoadedFigures, RunnerFacts, RunnerLoad } from './ipc.ts';
import type { RunnerProcess } from './runner-process.ts';
import type { LoadProgress } from './types.ts';

/** Longest a runner may take from its start until llama.cpp stands, milliseconds. GPU drivers can take some seconds. */
const START_TIMEOUT_MS = 60_000;

/** How one load on one runner is bounded and watched. */
export interface LoadWatch {
  readonly signal: AbortSignal;
  readonly onProgress: ProgressListener<LoadProgress>;
  /** Longest without a sign of progress, milliseconds. */
  readonly timeoutMs: number;
}

/** What a runner says once it has a model. */
export interface LoadedRunner {
  readonly facts: RunnerFacts;
  readonly figures: LoadedFigures;
}

/**
 * Loads a model on a runner. Whatever goes wrong, the runner is gone when this rejects.
 *
 * @throws HostError what the runner says (`MODEL_REJECTED`, `INSUFFICIENT_MEMORY`, `ENGINE_UNAVAILABLE`),
 * `ENGINE_CRASHED` when it dies, `LOAD_TIMEOUT` when it is silent too long; the signal's reason when aborted.
 */
export async function loadOnRunner(
  runner: RunnerProcess,
  load: RunnerLoad,
  { signal, onProgress, timeoutMs }: LoadWatch,
): Promise<LoadedRunner> {
  const givenUp = Promise.withResolvers<never>();
  givenUp.promise.catch(() => undefined);
  const abort = () => givenUp.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  let timer: NodeJS.Timeout | undefined;
  const allow = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => givenUp.reject(timedOut(ms)), ms);
  };
  try {
    signal.throwIfAborted();
    allow(Math.min(START_TIMEOUT_MS, timeoutMs));
    const facts = await Promise.race([runner.ready, givenUp.promise]);
    allow(timeoutMs);
    const loading = runner.call('load', load, (progress) => {
      allow(timeoutMs);
      onProgress(progress);
    });
    return { facts, figures: await Promise.race([loading, givenUp.promise]) };
  } catch (error) {
    await runner.kill();
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

function timedOut(ms: number): HostError {
  return new HostError(
    'LOAD_TIMEOUT',
    `Loading showed no progress for ${ms / 1000} s and was given up. A slow disk may need a longer TABAGENT_LOAD_TIMEOUT_MS.`,
    { details: { timeoutMs: ms } },
  );
}
