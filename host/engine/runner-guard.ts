import { HostError } from '../common/errors.ts';
import { formatBytes } from '../common/format.ts';
import type { Budget } from './budget.ts';
import type { CommandName, RunnerStep } from './ipc.ts';

/** Interval between checks of a working runner, milliseconds: its memory grows by at most about 1 GB in it. */
const INTERVAL_MS = 250;

/**
 * Longest time that one check counts, milliseconds: while the computer sleeps or the host itself is busy, the runner
 * cannot report progress either.
 */
const MAX_COUNTED_MS = 1_000;

/**
 * Longest time until a command reports its first step, milliseconds: the runner may be reading a long text before it.
 */
const FIRST_STEP_MS = 120_000;

/** What a command is doing, to follow "while". */
const DOING: Readonly<Record<RunnerStep['kind'], string>> = {
  tokenize: 'splitting a text into tokens',
  grammar: 'reading a grammar',
  context: 'allocating memory',
  evaluate: 'evaluating tokens',
};

interface Watched {
  readonly name: CommandName;
  step: RunnerStep | undefined;
  limitMs: number;
  waitedMs: number;
}

/**
 * Watches the commands of one runner: each step of a command has a time limit, and the process a limit of memory. Does
 * nothing while no command runs.
 */
export class RunnerGuard {
  readonly #readMemory: () => number | undefined;
  readonly #onExceeded: (error: HostError) => void;
  readonly #commands = new Map<number, Watched>();
  #budget: Budget | undefined;
  /** Memory of the largest context that was announced, bytes. */
  #contextBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #lastCheck = 0;
  #doing: string | undefined;

  /**
   * @param options.readMemory Reads the process's own memory, bytes; undefined where only the runner can report it.
   * @param options.onExceeded Called once a limit is exceeded.
   */
  constructor(options: { readMemory: () => number | undefined; onExceeded: (error: HostError) => void }) {
    this.#readMemory = options.readMemory;
    this.#onExceeded = options.onExceeded;
  }

  /** The model's file and what the runner was doing last; undefined before a load. */
  get context(): { readonly file: string; readonly doing: string | undefined } | undefined {
    return this.#budget && { file: this.#budget.file, doing: this.#doing };
  }

  /** Sets the limits, before the model is loaded. */
  limit(budget: Budget): void {
    this.#budget = budget;
  }

  begin(id: number, name: CommandName): void {
    // A load has its own time limit, and a stop is answered by the end of what it stops.
    const limitMs = name === 'load' || name === 'stop' ? Number.POSITIVE_INFINITY : FIRST_STEP_MS;
    this.#commands.set(id, { name, step: undefined, limitMs, waitedMs: 0 });
    if (name === 'load') this.#doing = 'loading it';
    if (this.#timer !== undefined) return;
    this.#lastCheck = performance.now();
    this.#timer = setInterval(() => this.#checkAll(), INTERVAL_MS).unref();
  }

  /** Records what a command does next. */
  step(id: number, step: RunnerStep): void {
    const command = this.#commands.get(id);
    if (command === undefined || this.#budget === undefined) return;
    this.#doing = DOING[step.kind];
    command.step = step;
    command.limitMs = this.#budget.stepMs(step);
    command.waitedMs = 0;
    // The embedder and the ranker have one each.
    if (step.kind === 'context') {
      this.#contextBytes = Math.max(this.#contextBytes, 2 * this.#budget.contextBytes(step.size));
    }
  }

  end(id: number): void {
    this.#commands.delete(id);
    if (this.#commands.size === 0) this.stop();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Checks the memory that the runner reports, mapped pages of files included, bytes. */
  reported(bytes: number): void {
    this.#check(bytes, this.#budget?.mappedBytes ?? 0);
  }

  /** The error for a generation that does not end although it was stopped. */
  notStopping(limitMs: number): HostError {
    return ended('stop', `did not stop within ${limitMs / 1000} seconds`, this.context, { limitMs });
  }

  #checkAll(): void {
    const now = performance.now();
    const passed = Math.min(now - this.#lastCheck, MAX_COUNTED_MS);
    this.#lastCheck = now;
    const memory = this.#readMemory();
    if (memory !== undefined) this.#check(memory, 0);
    for (const command of this.#commands.values()) {
      command.waitedMs += passed;
      if (command.waitedMs <= command.limitMs) continue;
      const limitMs = Math.round(command.limitMs);
      const seconds = Math.round(limitMs / 1000);
      this.#exceeded(ended('progress', `made no progress for ${seconds} seconds`, this.context, { limitMs }));
      return;
    }
  }

  #check(bytes: number, mapped: number): void {
    if (this.#budget === undefined) return;
    const limitBytes = Math.round(this.#budget.memoryBytes + this.#contextBytes + mapped);
    if (bytes <= limitBytes) return;
    const found = `used ${formatBytes(bytes)} of memory, more than the ${formatBytes(limitBytes)} that it can need`;
    this.#exceeded(ended('memory', found, this.context, { bytes, limitBytes }));
  }

  #exceeded(error: HostError): void {
    this.stop();
    this.#onExceeded(error);
  }
}

function ended(
  reason: 'memory' | 'progress' | 'stop',
  what: string,
  context: RunnerGuard['context'],
  figures: Readonly<Record<string, number>>,
): HostError {
  const { file = 'The model', doing } = context ?? {};
  const when = doing === undefined ? '' : ` while ${doing}`;
  const remedy =
    reason === 'stop' ? 'It can be loaded again.' : 'The file is the likely cause: verify it, or use another one.';
  return new HostError('ENGINE_ENDED', `${file} ${what}${when}, so its process was ended. ${remedy}`, {
    details: { reason, file, ...(doing === undefined ? {} : { doing }), ...figures },
  });
}
