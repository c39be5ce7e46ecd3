import { styleText } from 'node:util';
import type { Message } from '../support/host/host-process.ts';

/** Output of `npm start`: plain lines, and on a terminal a progress bar that is redrawn in place. */

const WIDTH = 32;
/** Maximum length of a printed request or reply, in characters. The main facts of a reply are printed below it. */
const MAX_JSON = 160;
const isTerminal = process.stdout.isTTY === true;

const style = (format: Parameters<typeof styleText>[0], text: string) =>
  styleText(format, text, { stream: process.stdout });

export function line(text = ''): void {
  process.stdout.write(`${text}\n`);
}

export function title(text: string): void {
  line(style('bold', text));
}

export function step(number: number, question: string): void {
  line();
  line(`${style('bold', String(number))}  ${style('bold', question)}`);
}

export function printRequest(request: Message): void {
  line(`   ${style('cyan', '→')} ${shorten(JSON.stringify(request))}`);
}

export function printReply(reply: Message): void {
  const { requestId, action, ...rest } = reply;
  line(`   ${style('cyan', '←')} ${style('dim', shorten(JSON.stringify(rest)))}`);
}

export function fact(text: string): void {
  line(`     ${text}`);
}

export function printResult(passed: boolean, expectation: string): void {
  line(`   ${passed ? style('green', '✓') : style('red', '✗')} ${expectation}`);
}

/** A progress bar. On a terminal it is redrawn in place; otherwise a line is printed for every 10 %. */
export class ProgressBar {
  #lastTenth = -1;
  #drawn = false;

  draw(percent: number, text: string): void {
    const filled = Math.round((percent / 100) * WIDTH);
    const bar = `   [${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}] ${percent.toFixed(0).padStart(3)} %  ${text}`;
    if (isTerminal) {
      process.stdout.write(`\r\u001b[K${bar}`);
      this.#drawn = true;
      return;
    }
    const tenth = Math.floor(percent / 10);
    if (tenth > this.#lastTenth) line(bar);
    this.#lastTenth = Math.max(tenth, this.#lastTenth);
  }

  end(): void {
    if (this.#drawn) line();
  }
}

function shorten(text: string): string {
  return text.length <= MAX_JSON ? text : `${text.slice(0, MAX_JSON - 1)}…`;
}
