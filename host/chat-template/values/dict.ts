import { TemplateRuntimeError } from '../errors.ts';
import { represent } from '../text/represent.ts';
import { Float } from './float.ts';
import { Markup } from './markup.ts';
import { List, Tuple } from './sequences.ts';
import { Undefined } from './undefined.ts';
import { type Runtime, TemplateObject, type Value } from './value.ts';

/** A key as JavaScript's Map compares it. */
export type DictKey = string | number | bigint | null | object;

/** All undefined values are equal, so they are one key. */
const UNDEFINED_KEY = {};

/** Prefix of the key for a tuple. No text decoded from UTF-8 contains it: the surrogates are in the wrong order. */
const TUPLE_PREFIX = '\udfff\ud800';

/**
 * Returns the key under which a value is found: equal values have the same one.
 *
 * @throws TemplateRuntimeError for a list or a dictionary.
 */
export function dictKey(runtime: Runtime, value: Value): DictKey {
  if (typeof value === 'string') {
    runtime.budget.charge(value.length);
    return value;
  }
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value === null || typeof value === 'number' || typeof value === 'bigint') return value;
  if (value instanceof Markup) return value.text;
  if (value instanceof Undefined) return UNDEFINED_KEY;
  if (value instanceof Float) {
    return Number.isInteger(value.value) && !Number.isSafeInteger(value.value) ? BigInt(value.value) : value.value;
  }
  if (value instanceof Tuple) return tupleKey(runtime, value);
  if (value instanceof List || value instanceof Dict) {
    throw new TemplateRuntimeError('TypeError', `unhashable type: '${value.typeName}'`);
  }
  return value;
}

function tupleKey(runtime: Runtime, tuple: Tuple): string {
  runtime.budget.enter();
  const keys = tuple.items.map((item) => {
    const key = dictKey(runtime, item);
    return typeof key === 'object' && key !== null
      ? `o${objectNumber(key)}`
      : `${key === null ? 'z' : typeof key === 'string' ? 's' : 'n'}${key}`;
  });
  runtime.budget.leave();
  const key = TUPLE_PREFIX + keys.map((part) => `${part.length}:${part}`).join('');
  runtime.budget.charge(key.length);
  return key;
}

const objectNumbers = new WeakMap<object, number>();
let lastObjectNumber = 0;

/** Tells objects apart inside a tuple's key. */
function objectNumber(object: object): number {
  const known = objectNumbers.get(object);
  if (known !== undefined) return known;
  lastObjectNumber += 1;
  objectNumbers.set(object, lastObjectNumber);
  return lastObjectNumber;
}

/** A dictionary. Its keys keep their order. It is filled while it is made and never changed after that. */
export class Dict extends TemplateObject {
  readonly typeName = 'dict';
  readonly #entries = new Map<DictKey, readonly [Value, Value]>();

  /** Makes a dictionary with texts as keys. */
  static ofTexts(entries: Iterable<readonly [string, Value]>): Dict {
    const dict = new Dict();
    for (const entry of entries) dict.#entries.set(entry[0], entry);
    return dict;
  }

  set(runtime: Runtime, key: Value, value: Value): void {
    const place = dictKey(runtime, key);
    // As in Python, the first of two equal keys stays.
    const [first] = this.#entries.get(place) ?? [key];
    this.#entries.set(place, [first, value]);
  }

  get(runtime: Runtime, key: Value): Value | undefined {
    return this.#entries.get(dictKey(runtime, key))?.[1];
  }

  has(runtime: Runtime, key: Value): boolean {
    return this.#entries.has(dictKey(runtime, key));
  }

  /** Keys and values in order. */
  entries(): IterableIterator<readonly [Value, Value]> {
    return this.#entries.values();
  }

  override get size(): number {
    return this.#entries.size;
  }

  override *iterate(): Generator<Value> {
    for (const [key] of this.#entries.values()) yield key;
  }

  override item(runtime: Runtime, key: Value): Value | undefined {
    // A key that cannot be one is just not there: the reference implementation looks elements up that way.
    if (key instanceof List || key instanceof Dict) return undefined;
    return this.get(runtime, key);
  }

  override represent(runtime: Runtime): string {
    const entries = [...this.entries()].map(
      ([key, value]) => `${represent(runtime, key)}: ${represent(runtime, value)}`,
    );
    return `{${entries.join(', ')}}`;
  }
}

/** What `keys()`, `values()` and `items()` of a dictionary return: it can be walked often but has no places. */
export class DictView extends TemplateObject {
  readonly typeName: string;
  readonly dict: Dict;
  readonly kind: 'keys' | 'values' | 'items';

  constructor(dict: Dict, kind: 'keys' | 'values' | 'items') {
    super();
    this.dict = dict;
    this.kind = kind;
    this.typeName = `dict_${kind}`;
  }

  override get size(): number {
    return this.dict.size;
  }

  override *iterate(): Generator<Value> {
    for (const [key, value] of this.dict.entries()) {
      yield this.kind === 'keys' ? key : this.kind === 'values' ? value : new Tuple([key, value]);
    }
  }

  override represent(runtime: Runtime): string {
    return `${this.typeName}(${new List([...this.iterate()]).represent(runtime)})`;
  }
}
