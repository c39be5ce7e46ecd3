import { isJsonObject, type JsonObject } from './json.ts';

/**
 * Deepest nesting of a JSON text from outside. No message, listing or settings file nests more than some ten levels;
 * recursive code (`JSON.stringify`, a schema) can handle some thousands.
 */
export const MAX_JSON_DEPTH = 1000;

/**
 * Most objects, arrays, elements of arrays and members of objects in one JSON text from outside. Parsing 64 MiB of
 * `{},` took 6 s and 2 GB; the most expensive text with this many (one object of members with different names) takes
 * 0.2 s and 50 MB. The longest real ones are listings of repositories, with some 10 values for each of up to 10,000
 * files, and vectors, which engines are asked for a few at a time.
 */
export const MAX_JSON_NODES = 512 * 1024;

/** A shorter text cannot be JSON that exceeds {@link MAX_JSON_DEPTH}: it needs a closing bracket for each opening one. */
const UNCHECKED_BYTES = 2 * MAX_JSON_DEPTH;

/** Bytes of a string that are compared one by one; for longer strings, calling the built-in search is faster. */
const SHORT_STRING_BYTES = 64;

const [QUOTE, BACKSLASH, COMMA, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from('"\\,[]{}');

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
      // Each element and each member but the first of its array or object follows a comma.
      case COMMA:
        nodes += 1;
        break;
    }
    if (nodes > MAX_JSON_NODES) return `more than ${MAX_JSON_NODES} objects, arrays, elements and members`;
  }
  return undefined;
}

/** Returns the index of the quote that ends the string whose content starts at `from`; the length of the text if none does. */
function endOfString(json: Uint8Array, from: number): number {
  let at = from;
  while (at < json.length) {
    const near = Math.min(at + SHORT_STRING_BYTES, json.length);
    while (at < near) {
      if (json[at] === QUOTE) return at;
      at += json[at] === BACKSLASH ? 2 : 1;
    }
    const quote = json.indexOf(QUOTE ?? 0, at);
    if (quote === -1) return json.length;
    if (!isEscaped(json, quote, at)) return quote;
    // Escaped quotes often follow each other, so the next bytes are compared one by one again.
    at = quote + 1;
  }
  return json.length;
}

/** A quote after an odd number of backslashes is part of the string. The string has been read up to `from`. */
function isEscaped(json: Uint8Array, quote: number, from: number): boolean {
  let first = quote;
  while (first > from && json[first - 1] === BACKSLASH) first -= 1;
  return (quote - first) % 2 === 1;
}

/** A JSON text exceeds a limit; `found` names the limit. */
export class JsonLimitError extends Error {
  override readonly name = 'JsonLimitError';
  readonly found: string;

  constructor(found: string) {
    super(`The JSON text has ${found}.`);
    this.found = found;
  }
}

/**
 * Parses JSON from outside: a hub, an engine, another program, a file that people edit. The caller limits its length.
 *
 * @throws JsonLimitError before anything is parsed, if the text exceeds a limit; SyntaxError if it is not JSON.
 */
export function parseJson(json: Uint8Array | string): unknown {
  // No text that short exceeds a limit, and tokens of a generation arrive in thousands of them.
  if (json.length > UNCHECKED_BYTES) {
    const found = exceededLimit(typeof json === 'string' ? Buffer.from(json) : json);
    if (found !== undefined) throw new JsonLimitError(found);
  }
  return JSON.parse(
    typeof json === 'string' ? json : Buffer.from(json.buffer, json.byteOffset, json.length).toString(),
  );
}

/** Returns the object that a JSON text from outside holds; undefined if it holds none, or exceeds a limit. */
export function parseJsonObject(json: Uint8Array | string): JsonObject | undefined {
  try {
    const value = parseJson(json);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
