/** Longest segment that is parsed, characters; a longer one is shown unchanged. Fenced code has no limit. */
export const MAX_SEGMENT = 10_000;

/** Opening or closing line of fenced code; group 1 is the fence, group 2 what follows it. */
const FENCE = /^[ \t]*(`{3,}|~{3,})([^\n]*)$/;
/** An item of a list. */
const ITEM = /^[ \t]*(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)/;

/**
 * Divides Markdown at empty lines where one block ends and another one begins, in linear time. Segments can be parsed
 * separately, so while an answer is streamed only the last one is parsed again.
 */
export function segmentsOf(text: string): string[] {
  const segments: string[] = [];
  let start = 0;
  let isAfterEmptyLine = false;
  let isList = false;
  let fence: string | undefined;
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf('\n', at);
    const end = newline === -1 ? text.length : newline;
    const line = text.slice(at, end);
    const isItem = fence === undefined && ITEM.test(line);
    // An indented line, or another item, may continue a list.
    if (isAfterEmptyLine && at > start && !/^[ \t]|^$/.test(line) && !(isItem && isList)) {
      segments.push(text.slice(start, at));
      start = at;
      isList = false;
    }
    isList ||= isItem;
    const [, marks = '', rest = ''] = FENCE.exec(line) ?? [];
    if (fence === undefined) {
      // Backticks followed by another one in the same line are a code span.
      if (marks !== '' && !(marks.startsWith('`') && rest.includes('`'))) fence = marks;
    } else if (marks.startsWith(fence) && rest.trim() === '') fence = undefined;
    isAfterEmptyLine = fence === undefined && line.trim() === '';
    at = end + 1;
  }
  if (start < text.length) segments.push(text.slice(start));
  return segments;
}

/** Divides a text that grows: segments that can no longer change are not divided again. */
export class SegmentDivider {
  /** The segments that cannot change, and their text. */
  #settled: readonly string[] = [];
  #settledText = '';

  /** Returns what {@link segmentsOf} returns. */
  divide(text: string): readonly string[] {
    if (!text.startsWith(this.#settledText)) {
      this.#settled = [];
      this.#settledText = '';
    }
    const segments = [...this.#settled, ...segmentsOf(text.slice(this.#settledText.length))];
    // Whether the last segment continues the one before it depends on its first line, which may be incomplete.
    const open = segments.slice(segments.at(-1)?.includes('\n') ? -1 : -2);
    this.#settled = segments.slice(0, segments.length - open.length);
    this.#settledText = text.slice(0, text.length - open.join('').length);
    return segments;
  }
}
