import { represent } from '../text/represent.ts';
import { splitLines } from '../text/whitespace.ts';
import { compareOrder } from '../values/compare.ts';
import { Dict } from '../values/dict.ts';
import { textOf } from '../values/markup.ts';
import { List, Tuple } from '../values/sequences.ts';
import type { Runtime, Value } from '../values/value.ts';

/** Line width, the default of Python's `pprint`. */
const WIDTH = 80;

/** The filter `pprint`: formats like `repr`, but wraps values that do not fit in a line. Sorts dictionaries by key. */
export function prettyPrint(runtime: Runtime, input: Value): Value {
  return new Printer(runtime).format(sorted(runtime, input), { indent: 0, allowance: 0, level: 0 });
}

/** Position of a value: its column, the width reserved for closing brackets after it, and its nesting level. */
interface Position {
  readonly indent: number;
  readonly allowance: number;
  readonly level: number;
}

function sorted(runtime: Runtime, value: Value): Value {
  runtime.budget.step();
  runtime.budget.enter();
  let result = value;
  if (value instanceof Dict) {
    const entries = [...value.entries()].sort(([a], [b]) => {
      runtime.budget.step();
      return compareOrder(runtime, a, b);
    });
    const dict = new Dict();
    for (const [key, entry] of entries) dict.set(runtime, key, sorted(runtime, entry));
    result = dict;
  } else if (value instanceof List) result = new List(value.items.map((item) => sorted(runtime, item)));
  else if (value instanceof Tuple) result = new Tuple(value.items.map((item) => sorted(runtime, item)));
  runtime.budget.leave();
  return result;
}

class Printer {
  readonly #runtime: Runtime;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  format(value: Value, outer: Position): string {
    const position = { ...outer, level: outer.level + 1 };
    const whole = represent(this.#runtime, value);
    this.#runtime.budget.charge(whole.length);
    if (whole.length <= WIDTH - position.indent - position.allowance) return whole;
    const text = textOf(value);
    if (text !== undefined) return this.#text(text, whole, position);
    if (value instanceof Dict && value.size > 0) return this.#dict(value, position);
    if (value instanceof List) return `[${this.#items(value.items, position, 1)}]`;
    if (!(value instanceof Tuple)) return whole;
    const end = value.items.length === 1 ? ',' : '';
    return `(${this.#items(value.items, position, 1 + end.length)}${end})`;
  }

  #dict(dict: Dict, { indent, allowance, level }: Position): string {
    const last = dict.size - 1;
    const lines = [...dict.entries()].map(([key, value], index) => {
      const name = represent(this.#runtime, key);
      const after = index === last ? allowance + 1 : 1;
      return `${name}: ${this.format(value, { indent: indent + 1 + name.length + 2, allowance: after, level })}`;
    });
    return `{${lines.join(`,\n${' '.repeat(indent + 1)}`)}}`;
  }

  #items(items: readonly Value[], { indent, allowance, level }: Position, closing: number): string {
    const lines = items.map((item, index) => {
      const after = index === items.length - 1 ? allowance + closing : 1;
      return this.format(item, { indent: indent + 1, allowance: after, level });
    });
    return lines.join(`,\n${' '.repeat(indent + 1)}`);
  }

  #text(text: string, whole: string, { indent, allowance, level }: Position): string {
    const top = level === 1 ? 1 : 0;
    const width = WIDTH - indent - top;
    const lines = splitLines(text, true);
    const chunks = lines.flatMap((line, index) => {
      const after = index === lines.length - 1 ? allowance + top : 0;
      const quoted = represent(this.#runtime, line);
      return quoted.length <= width - after ? [quoted] : this.#words(line, width, after);
    });
    if (chunks.length <= 1) return chunks[0] ?? whole;
    const joined = chunks.join(`\n${' '.repeat(indent + top)}`);
    return top === 1 ? `(${joined})` : joined;
  }

  #words(line: string, width: number, after: number): string[] {
    const words = line.match(/\S+\s*|\s+/g) ?? [];
    const chunks: string[] = [];
    let current = '';
    for (const [index, word] of words.entries()) {
      this.#runtime.budget.step();
      const available = index === words.length - 1 ? width - after : width;
      if (represent(this.#runtime, current + word).length <= available) {
        current += word;
        continue;
      }
      if (current !== '') chunks.push(represent(this.#runtime, current));
      current = word;
    }
    if (current !== '') chunks.push(represent(this.#runtime, current));
    return chunks;
  }
}
