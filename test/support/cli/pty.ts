import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { HOST_MAIN } from '../host/host-process.ts';
import { ended } from './run-command.ts';

/** The built `tabagent` on a pseudoterminal. */
export class Pty {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #end: ReturnType<typeof ended>;
  /** Everything that was shown. */
  shown = '';
  /** Where in it {@link until} looks. */
  #from = 0;
  #onData: (() => void) | undefined;

  constructor(typed: readonly string[], options: { home: string; env?: NodeJS.ProcessEnv }) {
    const words = [process.execPath, HOST_MAIN, ...typed].map((word) => `'${word}'`);
    const { home, env } = options;
    this.#child = spawn('script', ['-qec', words.join(' '), '/dev/null'], {
      env: { PATH: process.env.PATH, TERM: 'xterm', HOME: home, TABAGENT_HOME: home, TABAGENT_KEYCHAIN: 'off', ...env },
    });
    this.#end = ended(this.#child);
    this.#child.stdout.on('data', (text: string) => {
      this.shown += text;
      this.#onData?.();
    });
  }

  /** Types a text. */
  type(text: string): void {
    this.#child.stdin.write(text);
  }

  /** Resolves when a text has been shown since the last call, with everything shown from then on up to it. */
  async until(text: string): Promise<string> {
    const end = this.#end.then(() => {
      throw new Error(`Not shown: ${JSON.stringify(text)} in ${JSON.stringify(this.shown.slice(this.#from))}`);
    });
    while (this.shown.indexOf(text, this.#from) < 0) {
      await Promise.race([end, new Promise<void>((resolve) => (this.#onData = resolve))]);
    }
    end.catch(() => {});
    const from = this.#from;
    this.#from = this.shown.indexOf(text, from) + text.length;
    return this.shown.slice(from, this.#from);
  }

  /** Types a line, and resolves with what is shown after it up to the next prompt. */
  async ask(line: string): Promise<string> {
    this.type(`${line}\r`);
    await this.until('\n');
    return this.until(PROMPT);
  }

  /** Resolves with the exit code. */
  async end(): Promise<number | null> {
    return (await this.#end).code;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** What readline writes for a prompt, without styles: to the first column, erase what is below, the prompt. */
export const PROMPT = '\u001b[1G\u001b[0J> \u001b[3G';
