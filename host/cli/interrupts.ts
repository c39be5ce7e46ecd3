import { HostError } from '../common/errors.ts';

/**
 * Signals that end a command, with their numbers: a shell expects 128 and the number as the exit code. On Windows
 * SIGBREAK is Ctrl-Break, and SIGHUP the end of the console, which gives a program a few seconds.
 */
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15, SIGBREAK: 21 } as const;

/**
 * How a command is interrupted: the first signal gives up its work in an orderly way (downloads keep what they have,
 * models leave memory), the second ends the process at once. A command may take Ctrl-C for itself meanwhile.
 */
export class Interrupts {
  readonly #controller = new AbortController();
  readonly #listeners: (() => void)[] = [];
  #onCtrlC: (() => void) | undefined;
  #exitCode: number | undefined;

  constructor() {
    for (const [name, number] of Object.entries(SIGNALS)) {
      const listener = () => this.#arrive(name, 128 + number);
      process.on(name, listener);
      this.#listeners.push(() => process.off(name, listener));
    }
  }

  /** Aborted by the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The exit code of a command that was interrupted; undefined while none was. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** Gives Ctrl-C to `handler` until the returned function is called. */
  onCtrlC(handler: () => void): () => void {
    this.#onCtrlC = handler;
    return () => {
      this.#onCtrlC = undefined;
    };
  }

  /** Gives up the work with this exit code, as a signal would. */
  stop(exitCode: number, why: string): void {
    this.#exitCode ??= exitCode;
    this.#controller.abort(new HostError('ABORTED', why));
  }

  /** Leaves signals to the system again. */
  release(): void {
    for (const off of this.#listeners.splice(0)) off();
  }

  #arrive(name: string, exitCode: number): void {
    if (name === 'SIGINT' && this.#onCtrlC !== undefined) {
      this.#onCtrlC();
    } else if (this.#exitCode === undefined) {
      this.stop(exitCode, 'Interrupted.');
    } else {
      process.exit(exitCode);
    }
  }
}
