import type { RunnerProcess } from './runner-process.ts';

/** An idle runner is ended after this long without anybody showing interest in a load, milliseconds. It holds some 60 MB. */
const IDLE_MS = 5 * 60_000;

/** Keeps one runner started ahead of a load, so that the load pays for neither process, import nor llama.cpp's start. */
export class WarmRunner {
  readonly #start: () => RunnerProcess;
  readonly #onDeath: (runner: RunnerProcess) => void;
  readonly #idleMs: number;
  #idle: RunnerProcess | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param onDeath Hears of an idle runner that ended by itself. */
  constructor(start: () => RunnerProcess, onDeath: (runner: RunnerProcess) => void, idleMs: number = IDLE_MS) {
    this.#idleMs = idleMs;
    this.#start = start;
    this.#onDeath = onDeath;
  }

  /** The idle runner's process id, or undefined when there is none. */
  get pid(): number | undefined {
    return this.#idle?.pid;
  }

  /** Starts a runner unless one is idle, and keeps it for some minutes from now. */
  warm(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.drop(), this.#idleMs).unref();
    if (this.#idle !== undefined) return;
    const runner = this.#start();
    this.#idle = runner;
    void runner.exited.then(() => {
      if (this.#idle !== runner) return;
      this.#idle = undefined;
      this.#onDeath(runner);
    });
  }

  /** Hands the idle runner over, or a new one. It may still be starting. */
  take(): RunnerProcess {
    const runner = this.#idle;
    this.#idle = undefined;
    clearTimeout(this.#timer);
    return runner ?? this.#start();
  }

  /** Ends the idle runner, if there is one. */
  async drop(): Promise<void> {
    const runner = this.#idle;
    this.#idle = undefined;
    clearTimeout(this.#timer);
    await runner?.kill();
  }
}
