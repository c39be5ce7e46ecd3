import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { HOST_MAIN } from '../host/host-process.ts';
import { collectOutput } from './run-command.ts';

/** The built `tabagent` on a pseudoterminal. */
export class Pty {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #end: ReturnType<typeof collectOutput>;
  /** Everything that was printed. */
  output = '';
  /** The offset in it from which {@link waitFor} searches. */
  #from = 0;
  #onData: (() => void) | undefined;

  constructor(args: readonly string[], options: { home: string; env?: NodeJS.ProcessEnv }) {
    const words = [process.execPath, HOST_MAIN, ...args].map((word) => `'${word}'`);
    const { home, env } = options;
    this.#child = spawn('script', ['-qec', words.join(' '), '/dev/null'], {
      env: { PATH: process.env.PATH, TERM: 'xterm', HOME: home, TABAGENT_HOME: home, TABAGENT_KEYCHAIN: 'off', ...env },
    });
    this.#end = collectOutput(this.#child);
    this.#child.stdout.on('data', (text: string) => {
      this.output += text;
      this.#onData?.();
    });
  }

  /** Types text. */
  type(text: string): void {
    this.#child.stdin.write(text);
  }

  /**
   * Waits until the text has been printed after that of the last call. Returns the output in between, including the
   * text.
   */
  async waitFor(text: string): Promise<string> {
    const end = this.#end.then(() => {
      throw new Error(`Expected ${JSON.stringify(text)} in ${JSON.stringify(this.output.slice(this.#from))}`);
    });
    while (this.output.indexOf(text, this.#from) < 0) {
      await Promise.race([end, new Promise<void>((resolve) => (this.#onData = resolve))]);
    }
    end.catch(() => {});
    const from = this.#from;
    this.#from = this.output.indexOf(text, from) + text.length;
    return this.output.slice(from, this.#from);
  }

  /** Types a line. Returns the output from then to the next prompt. */
  async enter(line: string): Promise<string> {
    this.type(`${line}\r`);
    await this.waitFor('\n');
    return this.waitFor(PROMPT);
  }

  /** Waits for the process to exit. Returns its exit code. */
  async end(): Promise<number | null> {
    return (await this.#end).code;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/**
 * The output of readline for a prompt, without styles: it moves to the first column, erases everything below, and
 * prints the prompt.
 */
export const PROMPT = '\u001b[1G\u001b[0J> \u001b[3G';
