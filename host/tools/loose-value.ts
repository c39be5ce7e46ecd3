import type { JsonObject, JsonValue } from '../common/json.ts';

/** Deepest nesting. The grammar of a call allows no more. */
const MAX_DEPTH = 64;

const NAMES: Readonly<Record<string, JsonValue>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  null: null,
  None: null,
};

/**
 * Reads a value in JSON, in Python's notation, or in Gemma's, which has other quotation marks. Names before `:` or
 * `=` may be unquoted.
 *
 * @returns undefined for anything else.
 */
export function readLooseValue(text: string, quote?: string): JsonValue | undefined {
  try {
    const reader = new Reader(text, quote);
    const value = reader.value(0);
    return reader.isAtEnd() ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

class Reader {
  readonly #text: string;
  readonly #quote: string | undefined;
  #at = 0;

  constructor(text: string, quote: string | undefined) {
    this.#text = text;
    this.#quote = quote;
  }

  isAtEnd(): boolean {
    this.#space();
    return this.#at === this.#text.length;
  }

  value(depth: number): JsonValue {
    if (depth > MAX_DEPTH) throw new SyntaxError('too deep');
    this.#space();
    if (this.#take('{')) return this.#members('}', depth);
    if (this.#take('(')) return this.#members(')', depth);
    if (this.#take('[')) return this.#items(depth);
    const string = this.#string();
    if (string !== undefined) return string;
    const [word = ''] = /^[\w.+-]+/.exec(this.#text.slice(this.#at)) ?? [];
    this.#at += word.length;
    if (Object.hasOwn(NAMES, word)) return NAMES[word] ?? null;
    const number = JSON.parse(word === '' ? 'x' : word);
    return number as JsonValue;
  }

  #members(end: string, depth: number): JsonObject {
    const members: [string, JsonValue][] = [];
    for (;;) {
      this.#space();
      if (this.#take(end)) return Object.fromEntries(members);
      if (members.length > 0 && !this.#take(',')) throw new SyntaxError('no comma');
      this.#space();
      const name = this.#string() ?? this.#name();
      this.#space();
      if (!this.#take(':') && !this.#take('=')) throw new SyntaxError('no value');
      members.push([name, this.value(depth + 1)]);
    }
  }

  #items(depth: number): JsonValue[] {
    const items: JsonValue[] = [];
    for (;;) {
      this.#space();
      if (this.#take(']')) return items;
      if (items.length > 0 && !this.#take(',')) throw new SyntaxError('no comma');
      items.push(this.value(depth + 1));
    }
  }

  #string(): string | undefined {
    const quote = this.#quote;
    if (quote !== undefined && this.#take(quote)) {
      const end = this.#text.indexOf(quote, this.#at);
      if (end === -1) throw new SyntaxError('no end');
      const value = this.#text.slice(this.#at, end);
      this.#at = end + quote.length;
      return value;
    }
    const [json] = /^"(?:[^"\\]|\\.)*"/s.exec(this.#text.slice(this.#at)) ?? [];
    if (json === undefined) return undefined;
    this.#at += json.length;
    return JSON.parse(json) as string;
  }

  #name(): string {
    const [name] = /^[\w.-]+/.exec(this.#text.slice(this.#at)) ?? [];
    if (name === undefined) throw new SyntaxError('no name');
    this.#at += name.length;
    return name;
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }

  #take(expected: string): boolean {
    if (!this.#text.startsWith(expected, this.#at)) return false;
    this.#at += expected.length;
    return true;
  }
}
