import { paint, type Style } from '../terminal/styles.ts';

/** Longest code span or emphasis that is rendered, characters. Until it ends, the text after its marker is not shown. */
const MAX_SPAN = 300;

/** The start of a line that could still become a marker. */
const POSSIBLE_MARKER = /^ *(#{0,6}|`{0,2}|~{0,2}|[-+*>]?)$/;

const FENCE = /^ *(`{3,}|~{3,})/;
const HEADING = /^#{1,6} +/;
const BULLET = /^( *)[-+*] +/;
const QUOTE = /^ {0,3}> ?/;

/** The part of a line in which emphasis and code are rendered. */
interface Inline {
  readonly shown: string;
  /** Text whose rendering depends on what follows. */
  readonly rest: string;
}

/** What {@link renderInline} has to know about a text. */
interface InlineOptions {
  /** Whether nothing follows in this line. */
  readonly isWhole: boolean;
  /** The character before the text. */
  readonly before: string;
  /** Whether the text is part of a heading, which is bold already. */
  readonly isHeading: boolean;
}

/**
 * Renders Markdown lightly while it is written: headings, emphasis, code, lists and quotes are styled, and their markers
 * are left out. Everything else, and markers without an end, is shown as it is.
 */
export class MarkdownWriter {
  readonly #write: (text: string) => void;
  /** The text that could not be shown yet. */
  #pending = '';
  #isLineStart = true;
  #isHeading = false;
  /** The marker of the open code block. */
  #fence: string | undefined;
  /** The last character of the text before `#pending`. */
  #before = '';

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Writes the next piece. */
  write(text: string): void {
    this.#pending += text;
    this.#render(false);
  }

  /** Writes the pending text, at the end of the input. */
  end(): void {
    this.#render(true);
  }

  #render(isEnd: boolean): void {
    while (this.#pending !== '') {
      if (this.#isLineStart && !this.#startLine(isEnd)) return;
      const lineEnd = this.#pending.indexOf('\n');
      const line = lineEnd < 0 ? this.#pending : this.#pending.slice(0, lineEnd);
      const rest = this.#fence === undefined ? this.#showInline(line, isEnd || lineEnd >= 0) : this.#showCode(line);
      if (lineEnd < 0) {
        this.#pending = rest;
        return;
      }
      this.#write('\n');
      this.#pending = this.#pending.slice(lineEnd + 1);
      this.#before = '';
      this.#isLineStart = true;
      this.#isHeading = false;
    }
  }

  /** Shows the marker at the start of a line, if there is one. Returns whether the rest of the line can be shown. */
  #startLine(isEnd: boolean): boolean {
    const text = this.#pending;
    if (!isEnd && POSSIBLE_MARKER.test(text)) return false;
    const [fence, marker = ''] = FENCE.exec(text) ?? [];
    if (fence !== undefined) return this.#toggleFence(marker, isEnd);
    this.#isLineStart = false;
    if (this.#fence !== undefined) return true;
    const [heading] = HEADING.exec(text) ?? [];
    const [bullet, indent = ''] = BULLET.exec(text) ?? [];
    const [quote] = QUOTE.exec(text) ?? [];
    if (heading !== undefined) this.#isHeading = true;
    else if (bullet !== undefined) this.#write(`${indent}• `);
    else if (quote !== undefined) this.#write(paint('│ ', 'dim', true));
    this.#pending = text.slice((heading ?? bullet ?? quote ?? '').length);
    return true;
  }

  /** Shows the whole line of a code block's marker, and opens or closes the block. */
  #toggleFence(marker: string, isEnd: boolean): boolean {
    const end = this.#pending.indexOf('\n');
    if (end < 0 && !isEnd) return false;
    const line = end < 0 ? this.#pending : this.#pending.slice(0, end);
    this.#isLineStart = false;
    if (this.#fence === undefined) this.#fence = marker;
    else if (marker.startsWith(this.#fence) && line.trim() === marker) this.#fence = undefined;
    else return true;
    this.#write(paint(line, 'dim', true));
    this.#pending = this.#pending.slice(line.length);
    return true;
  }

  #showCode(text: string): string {
    if (text !== '') this.#write(paint(text, 'cyan', true));
    return '';
  }

  #showInline(text: string, isWhole: boolean): string {
    const { shown, rest } = renderInline(text, { isWhole, before: this.#before, isHeading: this.#isHeading });
    if (shown !== '') this.#write(this.#isHeading ? paint(shown, 'bold', true) : shown);
    this.#before = text.slice(0, text.length - rest.length).at(-1) ?? this.#before;
    return rest;
  }
}

/** Renders the code spans and emphasis of a line, up to the first one whose end has not arrived. */
function renderInline(text: string, { isWhole, before, isHeading }: InlineOptions): Inline {
  let shown = '';
  let at = 0;
  while (at < text.length) {
    const found = text.slice(at).search(/[`*\\]/);
    if (found < 0) break;
    shown += text.slice(at, at + found);
    at += found;
    const span = spanAt(text, at, { isWhole, before: at === 0 ? before : (text[at - 1] ?? ''), isHeading });
    if (span === undefined) return { shown, rest: text.slice(at) };
    shown += span.shown;
    at += span.length;
  }
  return { shown: shown + text.slice(at), rest: '' };
}

/** Renders the code span, emphasis or escape at a place of a line; undefined if its end may still arrive. */
function spanAt(text: string, at: number, options: InlineOptions): { shown: string; length: number } | undefined {
  const rest = text.slice(at, at + MAX_SPAN + 1);
  const isOpen = !options.isWhole && rest.length <= MAX_SPAN;
  if (rest.startsWith('\\')) {
    if (rest.length === 1 && isOpen) return undefined;
    const isEscape = /^\\[!-/:-@[-`{-~]/.test(rest);
    return { shown: rest.slice(isEscape ? 1 : 0, 2), length: Math.min(2, rest.length) };
  }
  const [marker = ''] = /^(`+|\*+)/.exec(rest) ?? [];
  if (marker.length === rest.length && isOpen) return undefined;
  const plain = { shown: marker, length: marker.length };
  const isCode = marker.startsWith('`');
  if (!isCode && !opensEmphasis(marker, rest[marker.length], options.before)) return plain;
  const length = isCode ? codeLength(rest, marker) : emphasisLength(rest, marker, isOpen);
  if (length === undefined) return isOpen ? undefined : plain;
  const content = rest.slice(marker.length, length - marker.length);
  return { shown: isCode ? paint(content, 'cyan', true) : emphasized(content, marker, options), length };
}

/** Returns whether asterisks begin emphasis, rather than being a multiplication sign or plain text. */
function opensEmphasis(marker: string, next: string | undefined, before: string): boolean {
  return marker.length <= 3 && next !== undefined && !/[\s*]/.test(next) && !/[\p{L}\p{N}]/u.test(before);
}

function codeLength(text: string, marker: string): number | undefined {
  for (const { 0: run, index } of text.slice(marker.length).matchAll(/`+/g)) {
    if (run === marker) return marker.length + index + run.length;
  }
  return undefined;
}

function emphasisLength(text: string, marker: string, isOpen: boolean): number | undefined {
  for (const { 0: run, index } of text.slice(marker.length).matchAll(/\*+/g)) {
    const start = marker.length + index;
    const mayGrow = isOpen && start + run.length === text.length;
    if (run === marker && !mayGrow && !/\s/.test(text[start - 1] ?? ' ')) return start + run.length;
  }
  return undefined;
}

function emphasized(content: string, marker: string, { isHeading }: InlineOptions): string {
  const { shown } = renderInline(content, { isWhole: true, before: '', isHeading });
  const styles: Style[] = [
    ...(marker.length === 1 ? [] : ['bold' as const]),
    ...(marker.length === 2 ? [] : ['italic' as const]),
  ];
  return styles
    .filter((style) => style !== 'bold' || !isHeading)
    .reduce((text, style) => paint(text, style, true), shown);
}
