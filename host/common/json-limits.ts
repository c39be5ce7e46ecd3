import { isJsonObject, type JsonObject } from './json.ts';

/**
 * Maximum nesting of external JSON. Messages, listings and settings files have about ten levels; recursive code
 * (`JSON.stringify`, a schema) can handle a few thousand.
 */
export const MAX_JSON_DEPTH = 1000;

/**
 * Maximum number of objects, arrays, array elements and object members in external JSON. Parsing 64 MiB of `{},` took 6
 * s and 2 GB of memory; the most expensive text within the limit (an object whose members have different names) takes
 * 0.2 s and 50 MB. The largest real ones are listings of repositories, with about 10 values for each of up to 10,000
 * files, and embeddings, which are requested from engines a few at a time.
 */
export const MAX_JSON_NODES = 512 * 1024;

/** Length up to which valid JSON cannot exceed {@link MAX_JSON_DEPTH}, in bytes: each level needs two brackets. */
const UNCHECKED_BYTES = 2 * MAX_JSON_DEPTH;

/** Number of bytes of a string that are compared individually; for longer strings, the built-in search is faster. */
const SHORT_STRING_BYTES = 64;

const [QUOTE, BACKSLASH, COMMA, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from('"\\,[]{}');

/**
 * Checks JSON against the limits before it is parsed. Returns a description of the exceeded limit; undefined if there
 * is none. Does not check whether the text is valid JSON.
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
      // A comma precedes each element and member except the first of an array or object.
      case COMMA:
        nodes += 1;
        break;
    }
    if (nodes > MAX_JSON_NODES) return `more than ${MAX_JSON_NODES} objects, arrays, elements and members`;
  }
  return undefined;
}

/**
 * Returns the index of the closing quote of the string whose content starts at `from`; the text's length if missing.
 */
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
    // Escaped quotes are often close together, so the next bytes are compared individually again.
    at = quote + 1;
  }
  return json.length;
}

/** Returns whether a quote is escaped: preceded by an odd number of backslashes. Looks back to `from` at most. */
function isEscaped(json: Uint8Array, quote: number, from: number): boolean {
  let first = quote;
  while (first > from && json[first - 1] === BACKSLASH) first -= 1;
  return (quote - first) % 2 === 1;
}

/** JSON exceeds a limit, which `found` describes. */
export class JsonLimitError extends Error {
  override readonly name = 'JsonLimitError';
  readonly found: string;

  constructor(found: string) {
    super(`The JSON text has ${found}.`);
    this.found = found;
  }
}

/**
 * Parses external JSON: from a hub, an engine, another program, or a file that users edit. The caller must limit its
 * length.
 *
 * @throws JsonLimitError before parsing, if the text exceeds a limit; SyntaxError if it is not valid JSON.
 */
export function parseJson(json: Uint8Array | string): unknown {
  // Short texts cannot exceed a limit, and a generation sends thousands of them.
  if (json.length > UNCHECKED_BYTES) {
    const found = exceededLimit(typeof json === 'string' ? Buffer.from(json) : json);
    if (found !== undefined) throw new JsonLimitError(found);
  }
  return JSON.parse(
    typeof json === 'string' ? json : Buffer.from(json.buffer, json.byteOffset, json.length).toString(),
  );
}

/** Parses external JSON; undefined if it is not a valid JSON object or exceeds a limit. */
export function parseJsonObject(json: Uint8Array | string): JsonObject | undefined {
  try {
    const value = parseJson(json);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
