import { formatBytes, formatDuration } from '../../common/format.ts';
import type { Terminal } from './terminal.ts';
import { displayWidth, printable, shorten } from './text.ts';

/** The progress of some work. */
export interface Step {
  /** What is being done, in a few words, or the file that is being downloaded. */
  readonly label: string;
  /** 0 to 100. */
  readonly percent: number;
  /** Bytes, where the work is counted in them. */
  readonly done?: number | undefined;
  readonly total?: number | undefined;
  readonly bytesPerSecond?: number | undefined;
  readonly etaSeconds?: number | null | undefined;
  readonly connections?: number | undefined;
  /** Why no bytes arrive; shown instead of the speed. `kind` distinguishes stalls by reason. */
  readonly stall?: { readonly kind: string; readonly text: string } | undefined;
}

/** Shows progress on stderr. */
export interface ProgressView {
  update(step: Step): void;
  /** Removes the bar. */
  end(): void;
}

/** Without a terminal, a line is written each time this many percent have passed. */
const LINE_EVERY_PERCENT = 10;

/** Returns a bar that is redrawn on a terminal, or writes a line for each 10 % elsewhere. */
export function progressView(terminal: Terminal): ProgressView {
  return terminal.columns === undefined ? lines(terminal) : bar(terminal);
}

function lines({ stderr }: Terminal): ProgressView {
  const passed = new Map<string, number>();
  let stall: string | undefined;
  return {
    update(step) {
      if (step.stall !== undefined && step.stall.kind !== stall)
        stderr.write(`${printable(step.label)} ${figures(step)[0]}\n`);
      stall = step.stall?.kind;
      const tenth = Math.floor(step.percent / LINE_EVERY_PERCENT);
      if (tenth <= (passed.get(step.label) ?? -1)) return;
      passed.set(step.label, tenth);
      stderr.write(`${printable(step.label)} ${figures(step)[0]}\n`);
    },
    end() {},
  };
}

/** Moves to the start of the line and erases it (ECMA-48). */
const ERASE_LINE = '\r\u001b[K';

function bar(terminal: Terminal): ProgressView {
  let drawn = false;
  return {
    update(step) {
      drawn = true;
      // The width is read each time: the window may have been resized.
      terminal.stderr.write(ERASE_LINE + barLine(step, terminal.columns ?? 0));
    },
    end() {
      if (drawn) terminal.stderr.write(ERASE_LINE);
      drawn = false;
    },
  };
}

/** Widths between which a bar is drawn, characters. */
const MIN_BAR = 8;
const MAX_BAR = 30;

/** Fewer characters of a label say nothing. */
const MIN_LABEL = 6;

/** Number of short forms at the end of the list of {@link figures}; they omit what is not essential. */
const SHORT_FORMS = 4;

/** A label of this many characters is worth a shorter form of the figures. */
const GOOD_LABEL = 12;

/** Returns a line of fewer than `columns` columns: the figures first of all, then the label, then the bar. */
export function barLine(step: Step, columns: number): string {
  // One column stays free: some terminals break a line when its last column is written.
  const width = Math.max(0, columns - 1);
  const label = printable(step.label);
  const forms = figures(step);
  const fits = (text: string, labelWidth: number) => text.length + 1 + labelWidth <= width;
  const [short = ''] = forms.slice(-SHORT_FORMS);
  const text =
    forms.slice(0, -SHORT_FORMS).find((form) => fits(form, Math.min(GOOD_LABEL, displayWidth(label)))) ?? short;
  if (!fits(text, Math.min(MIN_LABEL, displayWidth(label)))) {
    return (forms.find((form) => form.length <= width) ?? '').slice(0, width);
  }
  const words = `${shorten(label, width - text.length - 1)} ${text}`;
  const free = Math.min(MAX_BAR, width - displayWidth(words) - 3);
  if (free < MIN_BAR) return words;
  const filled = Math.round((free * Math.min(100, Math.max(0, step.percent))) / 100);
  return `[${'#'.repeat(filled)}${'-'.repeat(free - filled)}] ${words}`;
}

/** Returns the figures of a step, from the most complete form to the shortest; {@link SHORT_FORMS} of them are short. */
function figures({ percent, done, total, bytesPerSecond, etaSeconds, connections, stall }: Step): readonly string[] {
  const amount = done === undefined || !total ? undefined : `${formatBytes(done)} of ${formatBytes(total)}`;
  // Nothing is shown of a speed before there is one.
  const isMoving = bytesPerSecond !== undefined && bytesPerSecond >= 1;
  const speed = isMoving ? `${formatBytes(bytesPerSecond)}/s` : undefined;
  const left = etaSeconds === undefined || etaSeconds === null ? undefined : formatDuration(etaSeconds);
  const open = connections ? `${connections} ${connections === 1 ? 'connection' : 'connections'}` : undefined;
  const exact = `${percent.toFixed(1)} %`;
  const rounded = `${Math.floor(percent)} %`;
  const list = (...parts: (string | undefined)[]) => parts.filter((part) => part !== undefined).join(', ');
  if (stall !== undefined) {
    return [
      list(exact, amount, open, stall.text),
      list(rounded, stall.text),
      list(rounded, stall.kind),
      rounded,
      rounded,
    ];
  }
  return [
    ...(open === undefined ? [] : [list(exact, amount, speed, left && `${left} left`, open)]),
    list(exact, amount, speed, left && `${left} left`),
    list(rounded, done === undefined || !total ? undefined : formatBytes(done), speed, left),
    list(rounded, speed, left),
    list(rounded, left),
    rounded,
  ];
}
