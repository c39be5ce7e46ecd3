import { trimEndWhitespace, WHITESPACE } from './whitespace.ts';

/** Options of {@link wrapText}. */
export interface WrapOptions {
  readonly width: number;
  /** Whether words longer than a line are broken. */
  readonly breakLongWords: boolean;
  /** Whether lines may be broken after a hyphen in a word. */
  readonly breakOnHyphens: boolean;
}

const SPACES = new RegExp(`([${WHITESPACE}]+)`);
/** Matches the positions after a hyphen between letters, and around a dash. */
const HYPHENS =
  /(?<=\p{L}{2}-)(?=\p{L}{2})|(?<=[^\s-]\p{L}-)(?=\p{L}{2})|(?<=[\p{L}\p{N}_!"'&.,?])(?=-{2,}[\p{L}\p{N}_])|(?<=-{2})(?=[\p{L}\p{N}_])/u;

/** Wraps one line at spaces, like Python's `textwrap`. Spaces at line breaks are removed. */
export function wrapText(line: string, options: WrapOptions): string[] {
  const width = Math.max(1, options.width);
  const chunks = line
    .split(SPACES)
    .flatMap((chunk) => (options.breakOnHyphens && chunk.includes('-') ? chunk.split(HYPHENS) : [chunk]))
    .filter((chunk) => chunk !== '')
    .reverse();
  const lines: string[] = [];
  while (chunks.length > 0) {
    const current = nextLine(chunks, width, lines.length > 0, options.breakLongWords);
    if (current !== '') lines.push(current);
  }
  return lines;
}

/** Removes the chunks of the next line from the end of `chunks` (they are in reverse order) and returns the line. */
function nextLine(chunks: string[], width: number, dropLeading: boolean, breakLongWords: boolean): string {
  if (dropLeading && chunks.at(-1)?.trim() === '') chunks.pop();
  let current = '';
  for (let chunk = chunks.at(-1); chunk !== undefined; chunk = chunks.at(-1)) {
    if (current.length + chunk.length > width) break;
    current += chunk;
    chunks.pop();
  }
  const long = chunks.at(-1);
  if (long !== undefined && long.length > width) {
    if (breakLongWords) {
      const space = width - current.length;
      // `textwrap` then takes an empty piece of the word for the white space at the end of the line.
      if (space === 0) return current;
      chunks[chunks.length - 1] = long.slice(space);
      current += long.slice(0, space);
    } else if (current === '') {
      chunks.pop();
      current = long;
    }
  }
  return trimEndWhitespace(current);
}
