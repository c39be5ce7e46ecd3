import { HostError } from '../common/errors.ts';
import type { ProgressListener } from '../common/progress.ts';
import type { LoadedFigures, RunnerFacts, RunnerLoad } from './ipc.ts';
import type { RunnerProcess } from './runner-process.ts';

/** Longest a runner may take to start llama.cpp, milliseconds. GPU drivers can take some seconds. */
const START_TIMEOUT_MS = 60_000;

/** Limits and progress of one load. */
export interface LoadWatch {
  readonly signal: AbortSignal;
  /** Called with the fraction that is loaded, 0 to 1. */
  readonly onProgress: ProgressListener<number>;
  /** Longest time without progress, milliseconds. */
  readonly timeoutMs: number;
}

/** What a runner reports once it has loaded a model. */
export interface LoadedRunner {
  readonly facts: RunnerFacts;
  readonly figures: LoadedFigures;
}

/**
 * Loads a model on a runner. When this rejects, the runner process has ended.
 *
 * @throws HostError the runner's own error (`MODEL_REJECTED`, `INSUFFICIENT_MEMORY`, `ENGINE_UNAVAILABLE`),
 * `ENGINE_CRASHED` when it crashes, `LOAD_TIMEOUT` without progress; the signal's reason when aborted.
 */
export async function loadOnRunner(
  runner: RunnerProcess,
  load: RunnerLoad,
  { signal, onProgress, timeoutMs }: LoadWatch,
): Promise<LoadedRunner> {
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => undefined);
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  let timer: NodeJS.Timeout | undefined;
  const extendDeadline = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => aborted.reject(timedOut(ms)), ms);
  };
  try {
    signal.throwIfAborted();
    extendDeadline(Math.min(START_TIMEOUT_MS, timeoutMs));
    const facts = await Promise.race([runner.ready, aborted.promise]);
    extendDeadline(timeoutMs);
    const loading = runner.call('load', load, (progress) => {
      extendDeadline(timeoutMs);
      onProgress(progress);
    });
    return { facts, figures: await Promise.race([loading, aborted.promise]) };
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
    `Loading was stopped because it made no progress for ${ms / 1000} seconds. If the disk is slow, increase TABAGENT_LOAD_TIMEOUT_MS.`,
    { details: { timeoutMs: ms } },
  );
}
