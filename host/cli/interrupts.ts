import { HostError } from '../common/errors.ts';

/**
 * Signals that end a command, with their numbers: a shell expects 128 and the number as the exit code. On Windows
 * SIGBREAK is Ctrl-Break, and SIGHUP the end of the console, which gives a program a few seconds.
 */
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15, SIGBREAK: 21 } as const;

/**
 * Interrupts a command: the first signal cancels its work (downloads keep what they have, models are unloaded), the
 * second ends the process at once. A command can handle Ctrl-C itself for a while.
 */
export class Interrupts {
  readonly #controller = new AbortController();
  readonly #listeners: (() => void)[] = [];
  #onCtrlC: (() => void) | undefined;
  #exitCode: number | undefined;

  constructor() {
    for (const [name, number] of Object.entries(SIGNALS)) {
      const listener = () => this.#handle(name, 128 + number);
      process.on(name, listener);
      this.#listeners.push(() => process.off(name, listener));
    }
  }

  /** Aborted by the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The exit code of a command that was interrupted; undefined otherwise. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** Calls `handler` on Ctrl-C instead, until the returned function is called. */
  onCtrlC(handler: () => void): () => void {
    this.#onCtrlC = handler;
    return () => {
      this.#onCtrlC = undefined;
    };
  }

  /** Cancels the work, as a signal does, and sets the exit code. */
  stop(exitCode: number, why: string): void {
    this.#exitCode ??= exitCode;
    this.#controller.abort(new HostError('ABORTED', why));
  }

  /** Stops handling signals. */
  release(): void {
    for (const off of this.#listeners.splice(0)) off();
  }

  #handle(name: string, exitCode: number): void {
    if (name === 'SIGINT' && this.#onCtrlC !== undefined) {
      this.#onCtrlC();
    } else if (this.#exitCode === undefined) {
      this.stop(exitCode, 'Interrupted.');
    } else {
      process.exit(exitCode);
    }
  }
}
