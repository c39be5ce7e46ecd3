/** Half of a character outside the basic plane. */
const SURROGATE = /[\ud800-\udfff]/;

/** Says whether places in the text differ from those of its characters. */
function isWide(text: string): boolean {
  return SURROGATE.test(text);
}

/** Number of UTF-16 units of the character at a place. */
function unitsAt(text: string, index: number): number {
  return (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
}

/** Number of characters. */
export function characterCount(text: string): number {
  if (!isWide(text)) return text.length;
  let count = 0;
  for (let index = 0; index < text.length; index += unitsAt(text, index)) count += 1;
  return count;
}

/** The character at a place, counted from the end where negative. */
export function characterAt(text: string, index: number): string | undefined {
  if (!isWide(text)) return text.at(index);
  const place = index < 0 ? index + characterCount(text) : index;
  return place < 0 ? undefined : sliceCharacters(text, place, place + 1) || undefined;
}

/** The characters between two places, which are not negative. */
export function sliceCharacters(text: string, start: number, stop = Number.POSITIVE_INFINITY): string {
  if (!isWide(text)) return text.slice(start, stop);
  const first = unitIndex(text, start, 0);
  return text.slice(first, unitIndex(text, stop - start, first));
}

/** The place of UTF-16 units that many characters after another one. */
function unitIndex(text: string, count: number, from: number): number {
  let index = from;
  for (let passed = 0; passed < count && index < text.length; passed++) index += unitsAt(text, index);
  return index;
}

/** Turns a place of UTF-16 units into one of characters. */
export function toCharacterIndex(text: string, index: number): number {
  return index <= 0 || !isWide(text) ? index : characterCount(text.slice(0, index));
}
