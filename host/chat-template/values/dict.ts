import { TemplateRuntimeError } from '../errors.ts';
import { represent } from '../text/represent.ts';
import { Float } from './float.ts';
import { Markup } from './markup.ts';
import { List, Tuple } from './sequences.ts';
import { Undefined } from './undefined.ts';
import { type Runtime, TemplateObject, type Value } from './value.ts';

/** The key of an entry in a JavaScript `Map`. */
export type DictKey = string | number | bigint | null | object;

/** The key of undefined values, which are all equal. */
const UNDEFINED_KEY = {};

/**
 * Prefix of the keys of tuples. Strings decoded from UTF-8 cannot contain it: its surrogates are in the wrong order.
 */
const TUPLE_PREFIX = '\udfff\ud800';

/**
 * Returns the `Map` key of a value. Equal values have the same key.
 *
 * @throws TemplateRuntimeError for lists and dictionaries, which are not hashable.
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

/** Returns the number that identifies an object in a tuple's key. */
function objectNumber(object: object): number {
  const known = objectNumbers.get(object);
  if (known !== undefined) return known;
  lastObjectNumber += 1;
  objectNumbers.set(object, lastObjectNumber);
  return lastObjectNumber;
}

/** A dictionary in insertion order. It is not changed after it was created and filled. */
export class Dict extends TemplateObject {
  readonly typeName = 'dict';
  readonly #entries = new Map<DictKey, readonly [Value, Value]>();

  /** Creates a dictionary with string keys. */
  static ofTexts(entries: Iterable<readonly [string, Value]>): Dict {
    const dict = new Dict();
    for (const entry of entries) dict.#entries.set(entry[0], entry);
    return dict;
  }

  set(runtime: Runtime, key: Value, value: Value): void {
    const mapKey = dictKey(runtime, key);
    // As in Python, a later equal key replaces the value but not the key.
    const [first] = this.#entries.get(mapKey) ?? [key];
    this.#entries.set(mapKey, [first, value]);
  }

  get(runtime: Runtime, key: Value): Value | undefined {
    return this.#entries.get(dictKey(runtime, key))?.[1];
  }

  has(runtime: Runtime, key: Value): boolean {
    return this.#entries.has(dictKey(runtime, key));
  }

  /** Returns the keys and values in insertion order. */
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
    // Jinja treats an unhashable key as missing.
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

/** The result of `keys()`, `values()` and `items()` of a dictionary: iterable repeatedly, but not indexable. */
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
