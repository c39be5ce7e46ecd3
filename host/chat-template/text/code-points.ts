/** Matches a surrogate. */
const SURROGATE = /[\ud800-\udfff]/;

/** Returns whether code unit indices differ from code point indices. */
function hasSurrogates(text: string): boolean {
  return SURROGATE.test(text);
}

/** Returns the number of UTF-16 code units of the code point at an index. */
function unitsAt(text: string, index: number): number {
  return (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
}

/** Returns the number of code points. */
export function characterCount(text: string): number {
  if (!hasSurrogates(text)) return text.length;
  let count = 0;
  for (let index = 0; index < text.length; index += unitsAt(text, index)) count += 1;
  return count;
}

/** Returns the code point at an index; a negative index counts from the end. Undefined if out of range. */
export function characterAt(text: string, index: number): string | undefined {
  if (!hasSurrogates(text)) return text.at(index);
  const position = index < 0 ? index + characterCount(text) : index;
  return position < 0 ? undefined : sliceCharacters(text, position, position + 1) || undefined;
}

/** Slices by code points. The indices must not be negative. */
export function sliceCharacters(text: string, start: number, stop = Number.POSITIVE_INFINITY): string {
  if (!hasSurrogates(text)) return text.slice(start, stop);
  const first = unitIndex(text, start, 0);
  return text.slice(first, unitIndex(text, stop - start, first));
}

/** Returns the code unit index that is `count` code points after `from`. */
function unitIndex(text: string, count: number, from: number): number {
  let index = from;
  for (let passed = 0; passed < count && index < text.length; passed++) index += unitsAt(text, index);
  return index;
}

/** Converts a code unit index to a code point index. */
export function toCharacterIndex(text: string, index: number): number {
  return index <= 0 || !hasSurrogates(text) ? index : characterCount(text.slice(0, index));
}
