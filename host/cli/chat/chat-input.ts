import { createInterface, type Interface } from 'node:readline';
import type { Interrupts } from '../interrupts.ts';
import { paint } from '../terminal/styles.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { DISABLE_PASTE, ENABLE_PASTE, Keyboard, type KeyInput } from './keyboard.ts';
import { LongTexts } from './long-texts.ts';

/** Starts and ends a prompt of several lines. */
const QUOTES = '"""';

/** Number of prompts that the arrow keys find. */
const HISTORY_SIZE = 1_000;

/** A line: its text, undefined at the end of the input, or null if Ctrl-C cancelled the prompt. */
type Line = string | undefined | null;

/** Reads the prompts of a chat, typed or pasted at the terminal, with a history. */
export class ChatInput {
  readonly #terminal: Terminal;
  readonly #interrupts: Interrupts;
  readonly #texts = new LongTexts();
  readonly #keyboard: Keyboard;
  readonly #lines: Interface;
  readonly #supportsPaste: boolean;
  readonly #close = () => this.#lines.close();
  readonly #disablePaste = () => this.#setPaste(false);
  /** The history of readline, newest first, once it has an entry. */
  #history: string[] = [];
  #isClosed = false;
  #onLine: ((line: Line) => void) | undefined;
  /** Lines that arrived together with an earlier one. */
  readonly #waiting: string[] = [];
  #isQuoting = false;
  /** Whether Ctrl-C was the last key, on an empty line. */
  #mayExit = false;

  /**
   * @param options.earlier Prompts that the arrow keys find, newest first.
   * @param options.complete Returns what a line may become when Tab is pressed.
   */
  constructor(
    terminal: Terminal,
    interrupts: Interrupts,
    options: { earlier: readonly string[]; complete: (line: string) => string[] },
  ) {
    this.#terminal = terminal;
    this.#interrupts = interrupts;
    this.#supportsPaste = terminal.styled.stdout || terminal.columns !== undefined;
    this.#keyboard = new Keyboard(terminal.stdin as unknown as KeyInput, {
      onPaste: (text) => this.#texts.shown(text),
      // In raw mode Ctrl-C is a key, not a signal.
      onCtrlC: () => process.emit('SIGINT'),
    });
    this.#lines = createInterface({
      input: this.#keyboard,
      output: process.stdout,
      terminal: true,
      history: options.earlier.map((text) => this.#texts.shown(text)),
      historySize: HISTORY_SIZE,
      completer: (line: string) => [options.complete(line), line],
    });
    this.#lines.on('SIGINT', () => process.emit('SIGINT'));
    this.#lines.on('history', (history) => {
      this.#history = history;
    });
    this.#lines.on('line', (line) => {
      if (this.#onLine === undefined) this.#waiting.push(line);
      else this.#onLine(line);
    });
    this.#lines.on('close', () => {
      this.#isClosed = true;
      this.#onLine?.(undefined);
    });
    interrupts.signal.addEventListener('abort', this.#close);
    process.on('exit', this.#disablePaste);
    this.#setPaste(true);
    this.#keyboard.hold();
  }

  /** Returns the next prompt, or undefined after Ctrl-D or a second Ctrl-C. */
  async next(): Promise<string | undefined> {
    const release = this.#interrupts.onCtrlC(() => this.#interrupted());
    try {
      let text: Line = null;
      while (text === null) {
        const first = await this.#line('> ');
        text = first?.trimStart().startsWith(QUOTES) ? await this.#quoted(first) : first;
      }
      return text === undefined ? undefined : this.#texts.expand(text);
    } finally {
      release();
      this.#keyboard.hold();
    }
  }

  /** Ends the input, and leaves the terminal as it was. */
  close(): void {
    this.#interrupts.signal.removeEventListener('abort', this.#close);
    process.off('exit', this.#disablePaste);
    this.#lines.close();
    this.#keyboard.close();
    this.#disablePaste();
  }

  /** Reads lines until one ends with the quotes. The history has them as one entry. */
  async #quoted(first: string): Promise<Line> {
    const before = this.#history.slice(1);
    let text = first.trimStart().slice(QUOTES.length);
    this.#isQuoting = true;
    try {
      while (!text.trimEnd().endsWith(QUOTES)) {
        const line = await this.#line('. ');
        if (typeof line !== 'string') return line;
        text += `\n${line}`;
      }
    } finally {
      this.#isQuoting = false;
    }
    const expanded = this.#texts.expand(
      text
        .trimEnd()
        .slice(0, -QUOTES.length)
        .replace(/^\n|\n$/g, ''),
    );
    this.#history.splice(0, this.#history.length, this.#texts.shown(expanded), ...before);
    return expanded;
  }

  #line(prompt: string): Promise<Line> {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined || this.#isClosed) return Promise.resolve(waiting);
    return new Promise((resolve) => {
      this.#onLine = (line) => {
        this.#onLine = undefined;
        this.#mayExit = false;
        resolve(line);
      };
      this.#lines.setPrompt(paint(prompt, 'bold', this.#terminal.styled.stdout));
      this.#lines.prompt();
      // What was typed during an answer appears behind the prompt.
      this.#keyboard.release();
    });
  }

  /** Ctrl-C clears the line; on an empty line, the second one in a row exits. */
  #interrupted(): void {
    if (this.#lines.line !== '') {
      this.#lines.write(null, { ctrl: true, name: 'e' });
      this.#lines.write(null, { ctrl: true, name: 'u' });
      this.#mayExit = false;
    } else if (this.#isQuoting) {
      this.#terminal.stderr.write('\n');
      this.#onLine?.(null);
    } else if (this.#mayExit) {
      this.#lines.close();
    } else {
      this.#mayExit = true;
      this.#terminal.stderr.write('\nPress Ctrl-C again or Ctrl-D to exit.\n');
      this.#lines.prompt();
    }
  }

  #setPaste(isEnabled: boolean): void {
    if (this.#supportsPaste) process.stdout.write(isEnabled ? ENABLE_PASTE : DISABLE_PASTE);
  }
}
