import { HostError } from '../common/errors.ts';
import type { ProgressListener } from '../common/progress.ts';
import type { Budget } from './budget.ts';
import type { LoadedFigures, RunnerFacts, RunnerLoad } from './ipc.ts';
import type { RunnerProcess } from './runner-process.ts';

/** Longest time that a runner may take to start llama.cpp, milliseconds. GPU drivers can take some seconds. */
const START_TIMEOUT_MS = 60_000;

/** Limits and progress of one load. */
export interface LoadWatch {
  readonly signal: AbortSignal;
  /** Called with the fraction that is loaded, 0 to 1. */
  readonly onProgress: ProgressListener<number>;
  /** Longest time without progress, milliseconds, in addition to the budget's time to read the file. */
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
 * `ENGINE_CRASHED` when it crashes, `ENGINE_ENDED` when it exceeds the budget, `LOAD_TIMEOUT` without progress; the
 * signal's reason when aborted.
 */
export async function loadOnRunner(
  runner: RunnerProcess,
  load: RunnerLoad,
  budget: Budget,
  { signal, onProgress, timeoutMs }: LoadWatch,
): Promise<LoadedRunner> {
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => undefined);
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  let timer: NodeJS.Timeout | undefined;
  const extendDeadline = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => aborted.reject(timedOut(budget.file, ms)), ms);
  };
  // llama.cpp reports no progress while the system reads a mapped file ahead.
  const loadMs = Math.ceil(timeoutMs + budget.loadMs);
  try {
    signal.throwIfAborted();
    extendDeadline(Math.min(START_TIMEOUT_MS, timeoutMs));
    const facts = await Promise.race([runner.ready, aborted.promise]);
    extendDeadline(loadMs);
    runner.limit(budget);
    const loading = runner.call('load', load, (progress) => {
      extendDeadline(loadMs);
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

function timedOut(file: string, ms: number): HostError {
  return new HostError(
    'LOAD_TIMEOUT',
    `Loading ${file} was stopped because it made no progress for ${Math.round(ms / 1000)} seconds. If the disk is slow, increase TABAGENT_LOAD_TIMEOUT_MS.`,
    { details: { file, timeoutMs: ms } },
  );
}
