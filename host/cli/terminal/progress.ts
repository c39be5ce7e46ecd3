import { formatBytes, formatDuration } from '../../common/format.ts';
import type { Terminal } from './terminal.ts';
import { printable } from './text.ts';

/** How far work has come. */
export interface Step {
  /** What is being done, in a word or two. */
  readonly label: string;
  /** 0 to 100. */
  readonly percent: number;
  /** Bytes, where the work is counted in them. */
  readonly done?: number | undefined;
  readonly total?: number | undefined;
  readonly bytesPerSecond?: number | undefined;
  readonly etaSeconds?: number | null | undefined;
}

/** Shows how work goes, on stderr. */
export interface ProgressView {
  update(step: Step): void;
  /** Takes the bar away; nothing is drawn after it. */
  end(): void;
}

/** Without a terminal, a line is written each time so many per cent are passed. */
const LINE_EVERY_PERCENT = 10;

/** A bar that is drawn over on a terminal, and a line for each 10 % elsewhere. */
export function progressView(terminal: Terminal): ProgressView {
  return terminal.columns === undefined ? lines(terminal) : bar(terminal, terminal.columns);
}

function lines({ stderr }: Terminal): ProgressView {
  const passed = new Map<string, number>();
  return {
    update(step) {
      const tenth = Math.floor(step.percent / LINE_EVERY_PERCENT);
      if (tenth <= (passed.get(step.label) ?? -1)) return;
      passed.set(step.label, tenth);
      stderr.write(`${inWords(step)}\n`);
    },
    end() {},
  };
}

/** Back to the line's beginning, and erase to its end (ECMA-48). */
const ERASE_LINE = '\r\u001b[K';

function bar({ stderr }: Terminal, columns: number): ProgressView {
  let drawn = false;
  return {
    update(step) {
      drawn = true;
      stderr.write(ERASE_LINE + barLine(step, columns));
    },
    end() {
      if (drawn) stderr.write(ERASE_LINE);
      drawn = false;
    },
  };
}

/** The bar with its words, within a line. */
export function barLine(step: Step, columns: number): string {
  const words = inWords(step);
  // One column stays free: some terminals break a line when its last one is written.
  const width = Math.min(MAX_BAR, columns - words.length - 4);
  if (width < MIN_BAR) return words.slice(0, Math.max(0, columns - 1));
  const filled = Math.round((width * Math.min(100, Math.max(0, step.percent))) / 100);
  return `[${'#'.repeat(filled)}${'-'.repeat(width - filled)}] ${words}`;
}

/** Widths between which a bar says something, characters. */
const MIN_BAR = 8;
const MAX_BAR = 30;

function inWords({ label, percent, done, total, bytesPerSecond, etaSeconds }: Step): string {
  const parts = [`${printable(label)} ${percent.toFixed(1)} %`];
  if (done !== undefined && total) parts.push(`${formatBytes(done)} of ${formatBytes(total)}`);
  if (bytesPerSecond) parts.push(`${formatBytes(bytesPerSecond)}/s`);
  if (etaSeconds) parts.push(`${formatDuration(etaSeconds)} left`);
  return parts.join(', ');
}
