/** The characters that are whitespace in Python, for a character class. They differ from those of `\s`. */
export const WHITESPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

/** Line boundaries of Python's `splitlines`. */
const LINE_BREAKS = '\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029';
const LINE_BREAK = new RegExp(`\r\n|[${LINE_BREAKS}]`, 'g');

const RUNS = new RegExp(`[${WHITESPACE}]+`, 'g');

/** Returns whether the code unit at an index is whitespace. Faster than a regular expression per character. */
export function isWhitespaceAt(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  if (code < 0x80) return (code >= 0x1c && code <= 0x20) || (code >= 9 && code <= 13);
  if (code < 0x1680) return code === 0x85 || code === 0xa0;
  if (code > 0x202f) return code === 0x205f || code === 0x3000;
  return code === 0x1680 || (code >= 0x2000 && code <= 0x200a) || code === 0x2028 || code === 0x2029 || code === 0x202f;
}

/**
 * Removes trailing whitespace. Scans backwards from the end: a regular expression anchored there would try every run of
 * spaces in the text.
 */
export function trimEndWhitespace(text: string): string {
  let end = text.length;
  while (end > 0 && isWhitespaceAt(text, end - 1)) end -= 1;
  return text.slice(0, end);
}

/** Removes leading whitespace. */
export function trimStartWhitespace(text: string): string {
  let start = 0;
  while (start < text.length && isWhitespaceAt(text, start)) start += 1;
  return text.slice(start);
}

/** Splits a text at whitespace. */
export function words(text: string): string[] {
  return text.split(RUNS).filter((word) => word !== '');
}

/** Replaces every run of whitespace with one space and removes leading and trailing whitespace. */
export function collapseWhitespace(text: string): string {
  return words(text).join(' ');
}

/** Python's `str.splitlines`: a final line break does not start another line. */
export function splitLines(text: string, keepEnds = false): string[] {
  const lines: string[] = [];
  let start = 0;
  for (const match of text.matchAll(LINE_BREAK)) {
    const end = match.index + match[0].length;
    lines.push(text.slice(start, keepEnds ? end : match.index));
    start = end;
  }
  if (start < text.length) lines.push(text.slice(start));
  return lines;
}
