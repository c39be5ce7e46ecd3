/**
 * Deepest nesting of a message. Every action's fields nest fewer than ten levels; what walks a value by recursion
 * (`JSON.stringify`, a schema) survives some thousands.
 */
export const MAX_JSON_DEPTH = 1000;

/**
 * Most objects, arrays and members of objects in one message. 64 MiB of `{},` are 22 million objects: parsing them took
 * 6 s and 2 GB here. This many take 0.3 s and 200 MB, and are more than any request with real content has.
 */
export const MAX_JSON_NODES = 2 * 1024 * 1024;

/** A closing bracket for each opening one: bytes up to which a body cannot pass {@link MAX_JSON_DEPTH} and be JSON. */
const LIGHT_BYTES = 2 * MAX_JSON_DEPTH;

/** Bytes of a string that are looked at one by one before the engine's own search is asked, which costs a call. */
const SHORT_STRING_BYTES = 64;

const [QUOTE, BACKSLASH, COLON, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from('"\\:[]{}');

/**
 * Looks at a JSON text before it is parsed and says why it would cost too much, if it would: `undefined` for all honest
 * messages. What is not JSON is the parser's business.
 */
export function tooHeavy(json: Uint8Array): string | undefined {
  if (json.length <= LIGHT_BYTES) return undefined;
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

/** The place of the quote that ends the string whose content begins at `from`; the end of the text when there is none. */
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

/** An odd number of backslashes before a quote makes it a part of the string, which was read up to `from`. */
function isEscaped(json: Uint8Array, quote: number, from: number): boolean {
  let first = quote;
  while (first > from && json[first - 1] === BACKSLASH) first -= 1;
  return (quote - first) % 2 === 1;
}
