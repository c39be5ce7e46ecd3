import { styleText } from 'node:util';
import type { Message } from '../support/host/host-process.ts';

/** What `npm start` writes: plain lines, and one line that redraws itself where the output is a terminal. */

const WIDTH = 32;
/** Longest request or reply shown on one line, characters; a reply's main facts stand in words beside it. */
const MAX_JSON = 160;
const isTerminal = process.stdout.isTTY === true;

const style = (format: Parameters<typeof styleText>[0], text: string) =>
  styleText(format, text, { stream: process.stdout });

/** Bytes as people read them, decimal. */
export function bytes(n: number): string {
  const [unit, divisor] = n >= 1e9 ? ['GB', 1e9] : n >= 1e6 ? ['MB', 1e6] : ['kB', 1e3];
  return `${(n / divisor).toLocaleString('en', { maximumFractionDigits: 1 })} ${unit}`;
}

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

export function asked(request: Message): void {
  line(`   ${style('cyan', '→')} ${shorten(JSON.stringify(request))}`);
}

export function answered(reply: Message): void {
  const { requestId, action, ...rest } = reply;
  line(`   ${style('cyan', '←')} ${style('dim', shorten(JSON.stringify(rest)))}`);
}

export function fact(text: string): void {
  line(`     ${text}`);
}

export function verdict(holds: boolean, promise: string): void {
  line(`   ${holds ? style('green', '✓') : style('red', '✗')} ${promise}`);
}

/** Draws how far a piece of work has come: in place on a terminal, every tenth as a line elsewhere. */
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
