import type { RunnerProcess } from './runner-process.ts';

/** Time after which an idle runner is ended, milliseconds. It uses some 60 MB. */
const IDLE_MS = 5 * 60_000;

/** Keeps one runner started ahead of a load, so that the load need not wait for a process and llama.cpp to start. */
export class WarmRunner {
  readonly #start: () => RunnerProcess;
  readonly #onExit: (runner: RunnerProcess) => void;
  readonly #idleMs: number;
  #idle: RunnerProcess | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param onExit Called when the idle runner exits unexpectedly. */
  constructor(start: () => RunnerProcess, onExit: (runner: RunnerProcess) => void, idleMs: number = IDLE_MS) {
    this.#idleMs = idleMs;
    this.#start = start;
    this.#onExit = onExit;
  }

  /** The idle runner's process id, or undefined when there is none. */
  get pid(): number | undefined {
    return this.#idle?.pid;
  }

  /** Starts a runner unless one is idle, and restarts its idle time. */
  warm(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.drop(), this.#idleMs).unref();
    if (this.#idle !== undefined) return;
    const runner = this.#start();
    this.#idle = runner;
    void runner.exited.then(() => {
      if (this.#idle !== runner) return;
      this.#idle = undefined;
      this.#onExit(runner);
    });
  }

  /** The idle runner, which may still be starting; undefined if there is none. */
  get idle(): RunnerProcess | undefined {
    return this.#idle;
  }

  /** Returns the idle runner for a load: it is idle no more. */
  take(): RunnerProcess | undefined {
    const runner = this.#idle;
    this.#idle = undefined;
    clearTimeout(this.#timer);
    return runner;
  }

  /** Ends the idle runner, if there is one. */
  async drop(): Promise<void> {
    const runner = this.#idle;
    this.#idle = undefined;
    clearTimeout(this.#timer);
    await runner?.kill();
  }
}
