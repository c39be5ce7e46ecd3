import { modelUnloaded } from '../common/host-errors.ts';
import type { RunnerProcess } from './runner-process.ts';

/** One piece of work that waits for its turn at a model. */
export interface Job<T> {
  /** Who may stop it besides its signal; see {@link JobQueue.stop}. */
  readonly kind: 'generate' | 'embed' | 'rank';
  readonly tag?: string | number | undefined;
  /** Aborted when nobody wants the answer any more: the work is stopped, and its reason thrown. */
  readonly signal?: AbortSignal | undefined;
  /** Does it, under a number by which the runner's `stop` finds it. */
  run(number: number): Promise<T>;
  /** What it comes to when it is stopped before its turn. */
  stopped(): T;
  /** True for what came of work that was stopped. */
  isStopped?(result: T): boolean;
}

interface QueuedJob {
  readonly kind: Job<unknown>['kind'];
  readonly tag: string | number | undefined;
  /** Undefined while it waits. */
  number: number | undefined;
  stopped: boolean;
  /** Lets it go without its turn. */
  release(): void;
}

/** The work for one loaded model, in the order it came, one piece at a time. */
export class JobQueue {
  readonly #modelId: string;
  readonly #runner: RunnerProcess;
  readonly #all = new Set<QueuedJob>();
  #last: Promise<unknown> = Promise.resolve();
  #nextNumber = 1;
  #closed = false;

  constructor(modelId: string, runner: RunnerProcess) {
    this.#modelId = modelId;
    this.#runner = runner;
  }

  /**
   * Does a piece of work when its turn comes.
   *
   * @throws HostError what the runner says, `ENGINE_CRASHED` when it dies, `MODEL_NOT_LOADED` when the model is unloaded
   * meanwhile; the signal's reason when aborted.
   */
  async take<T>(work: Job<T>): Promise<T> {
    const { kind, tag, signal } = work;
    signal?.throwIfAborted();
    const released = Promise.withResolvers<void>();
    const turn: QueuedJob = { kind, tag, number: undefined, stopped: false, release: released.resolve };
    this.#all.add(turn);
    const abort = () => this.#stop(turn);
    signal?.addEventListener('abort', abort, { once: true });
    const previous = this.#last;
    const done = (async () => {
      await Promise.race([previous, released.promise]);
      if (turn.stopped) return work.stopped();
      turn.number = this.#nextNumber++;
      return work.run(turn.number);
    })();
    // Whoever comes next waits for all before, also where this one leaves the line early.
    this.#last = Promise.allSettled([previous, done]);
    try {
      const result = await done;
      signal?.throwIfAborted();
      if (this.#closed && work.isStopped?.(result) === true) throw modelUnloaded(this.#modelId);
      return result;
    } catch (error) {
      signal?.throwIfAborted();
      // The runner was ended on purpose: that is no crash.
      throw this.#closed ? modelUnloaded(this.#modelId) : error;
    } finally {
      this.#all.delete(turn);
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Stops work of this kind and tag, or of this kind whatever its tag; says how much. */
  stop(kind: Job<unknown>['kind'], tag?: string | number): number {
    const meant = [...this.#all].filter((turn) => turn.kind === kind && (tag === undefined || turn.tag === tag));
    for (const turn of meant) this.#stop(turn);
    return meant.length;
  }

  /** Stops all because the model goes; the runner is killed by its owner. */
  close(): void {
    this.#closed = true;
    for (const turn of this.#all) this.#stop(turn);
  }

  #stop(turn: QueuedJob): void {
    turn.stopped = true;
    turn.release();
    if (turn.number === undefined) return;
    // A runner that has died answers the work itself.
    this.#runner.call('stop', { work: turn.number }).catch(() => undefined);
  }
}
