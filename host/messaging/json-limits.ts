/**
 * Deepest nesting of a message. The fields of every action nest fewer than ten levels; recursive code
 * (`JSON.stringify`, a schema) can handle some thousands.
 */
export const MAX_JSON_DEPTH = 1000;

/**
 * Most objects, arrays and members of objects in one message. 64 MiB of `{},` are 22 million objects: parsing them took
 * 6 s and 2 GB. This many take 0.3 s and 200 MB, and no real request has more.
 */
export const MAX_JSON_NODES = 2 * 1024 * 1024;

/** A shorter body cannot be JSON that exceeds {@link MAX_JSON_DEPTH}: it needs a closing bracket for each opening one. */
const UNCHECKED_BYTES = 2 * MAX_JSON_DEPTH;

/** Bytes of a string that are compared one by one; for longer strings, calling the built-in search is faster. */
const SHORT_STRING_BYTES = 64;

const [QUOTE, BACKSLASH, COLON, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from('"\\:[]{}');

/**
 * Checks a JSON text against the limits before it is parsed, and returns the limit it exceeds; `undefined` if it exceeds
 * none. Does not check whether the text is JSON.
 */
export function exceededLimit(json: Uint8Array): string | undefined {
  if (json.length <= UNCHECKED_BYTES) return undefined;
  let depth = 0;
  let nodes = 0;
  for (let at = 0; at < json.length; at += 1) {
    switch (json[at]) {
      case QUOTE:
        at = endOfString(json, at + 1);
        break;
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        nodes += 1;
        depth += 1;
        if (depth > MAX_JSON_DEPTH) return `more than ${MAX_JSON_DEPTH} levels of nesting`;
        break;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        depth -= 1;
        break;
      case COLON:
        nodes += 1;
        break;
    }
    if (nodes > MAX_JSON_NODES) return `more than ${MAX_JSON_NODES} objects, arrays and members`;
  }
  return undefined;
}

/** Returns the index of the quote that ends the string whose content starts at `from`; the length of the text if none does. */
function endOfString(json: Uint8Array, from: number): number {
  const near = Math.min(from + SHORT_STRING_BYTES, json.length);
  let at = from;
  while (at < near) {
    if (json[at] === QUOTE) return at;
    at += json[at] === BACKSLASH ? 2 : 1;
  }
  for (let quote = json.indexOf(QUOTE ?? 0, at); quote !== -1; quote = json.indexOf(QUOTE ?? 0, quote + 1)) {
    if (!isEscaped(json, quote, at)) return quote;
  }
  return json.length;
}

/** A quote after an odd number of backslashes is part of the string. The string has been read up to `from`. */
function isEscaped(json: Uint8Array, quote: number, from: number): boolean {
  let first = quote;
  while (first > from && json[first - 1] === BACKSLASH) first -= 1;
  return (quote - first) % 2 === 1;
}
