import { OBJECT_COST } from '../budget.ts';
import { TemplateRuntimeError } from '../errors.ts';
import { expectInteger } from '../text/arguments.ts';
import { toText } from '../text/represent.ts';
import { binary } from '../values/arithmetic.ts';
import type { CallArguments } from '../values/call-arguments.ts';
import { compareOrder, equals } from '../values/compare.ts';
import { Dict, dictKey } from '../values/dict.ts';
import { markedLike, textOf } from '../values/markup.ts';
import { GroupTuple, List, OneShot, Range, Tuple } from '../values/sequences.ts';
import { elements, isTrue, iterate, sizeOf, toArray, typeName } from '../values/truth.ts';
import { Undefined } from '../values/undefined.ts';
import { type FilterFunction, orElse, type Runtime, type Value } from '../values/value.ts';
import { attributeGetter, attributesGetter, ignoreCase } from './attribute-path.ts';
import { noLength } from './text-filters.ts';

function length(runtime: Runtime, input: Value): Value {
  const size = sizeOf(runtime, input);
  if (size === undefined) throw noLength(input);
  return size;
}

function first(runtime: Runtime, input: Value): Value {
  const next = iterate(runtime, input).next();
  return next.done === true ? new Undefined('No first item, sequence was empty.') : next.value;
}

function last(runtime: Runtime, input: Value): Value {
  const next = reversed(runtime, input)?.next();
  if (next === undefined) throw new TemplateRuntimeError('TypeError', `'${typeName(input)}' object is not reversible`);
  return next.done === true ? new Undefined('No last item, sequence was empty.') : next.value;
}

/** Returns an iterator in reverse order; undefined for types that can only be iterated forwards. */
function reversed(runtime: Runtime, value: Value): Iterator<Value> | undefined {
  if (value instanceof OneShot || sizeOf(runtime, value) === undefined) return undefined;
  return toArray(runtime, value).reverse().values();
}

function reverse(runtime: Runtime, input: Value): Value {
  const text = textOf(input);
  if (text !== undefined) {
    runtime.budget.charge(text.length * OBJECT_COST);
    return markedLike(input, [...text].reverse().join(''));
  }
  const iterator = reversed(runtime, input);
  if (iterator !== undefined) {
    const typeNames =
      input instanceof List ? 'list_reverseiterator' : input instanceof Range ? 'range_iterator' : 'reversed';
    return new OneShot(runtime, iterator, typeNames);
  }
  return new List(toArray(runtime, input).reverse());
}

function random(runtime: Runtime, input: Value): Value {
  const items = toArray(runtime, input);
  const item = items[Math.floor(Math.random() * items.length)];
  return orElse(item, () => new Undefined('No random item, sequence was empty.'));
}

function join(runtime: Runtime, input: Value, args: CallArguments): Value {
  const [separator = '', attribute = null] = args.bind('join', ['d', 'attribute']);
  const getter = attributeGetter(runtime, attribute);
  const between = toText(runtime, separator);
  const pieces: string[] = [];
  for (const item of elements(runtime, input)) {
    const piece = toText(runtime, getter(item));
    runtime.budget.charge(piece.length + between.length + OBJECT_COST);
    pieces.push(piece);
  }
  return pieces.join(between);
}

function sort(runtime: Runtime, input: Value, args: CallArguments): Value {
  const [descending = false, caseSensitive = false, attribute = null] = args.bind('sort', [
    'reverse',
    'case_sensitive',
    'attribute',
  ]);
  const getter = attributesGetter(runtime, attribute);
  const sensitive = isTrue(caseSensitive);
  const key = (item: Value) => new List(getter(item).map((value) => (sensitive ? value : ignoreCase(runtime, value))));
  return new List(sortBy(runtime, toArray(runtime, input), key, expectInteger('sort', descending) !== 0));
}

/** Sorts by a key that is computed once per element. The sort is stable, also in descending order. */
function sortBy(runtime: Runtime, items: readonly Value[], key: (item: Value) => Value, descending = false): Value[] {
  runtime.budget.charge(items.length * OBJECT_COST);
  const keyed = items.map((item) => ({ item, key: key(item) }));
  keyed.sort((a, b) => {
    runtime.budget.step();
    const order = compareOrder(runtime, a.key, b.key) || 0;
    return descending ? -order : order;
  });
  return keyed.map(({ item }) => item);
}

function dictSort(runtime: Runtime, input: Value, args: CallArguments): Value {
  const [caseSensitive = false, by = 'key', descending = false] = args.bind('dictsort', [
    'case_sensitive',
    'by',
    'reverse',
  ]);
  const place = by === 'key' ? 0 : by === 'value' ? 1 : undefined;
  if (place === undefined) {
    throw new TemplateRuntimeError('FilterArgumentError', 'You can only sort by either "key" or "value"');
  }
  if (input instanceof Undefined) throw input.error;
  if (!(input instanceof Dict)) {
    throw new TemplateRuntimeError('AttributeError', `'${typeName(input)}' object has no attribute 'items'`);
  }
  const sensitive = isTrue(caseSensitive);
  const items = [...input.entries()].map((entry) => new Tuple(entry));
  const key = (item: Value) => {
    const value = (item instanceof Tuple ? item.items[place] : undefined) ?? null;
    return sensitive ? value : ignoreCase(runtime, value);
  };
  return new List(sortBy(runtime, items, key, isTrue(descending)));
}

function extreme(name: 'min' | 'max'): FilterFunction {
  return (runtime, input, args) => {
    const [caseSensitive = false, attribute = null] = args.bind(name, ['case_sensitive', 'attribute']);
    const getter = attributeGetter(runtime, attribute);
    const key = (item: Value) => (isTrue(caseSensitive) ? getter(item) : ignoreCase(runtime, getter(item)));
    let best: { item: Value; key: Value } | undefined;
    for (const item of elements(runtime, input)) {
      const candidate = { item, key: key(item) };
      const order = best === undefined ? 0 : compareOrder(runtime, candidate.key, best.key, name === 'min' ? '<' : '>');
      if (best === undefined || (name === 'min' ? order < 0 : order > 0)) best = candidate;
    }
    return orElse(best?.item, () => new Undefined('No aggregated item, sequence was empty.'));
  };
}

function unique(runtime: Runtime, input: Value, args: CallArguments): Value {
  const [caseSensitive = false, attribute = null] = args.bind('unique', ['case_sensitive', 'attribute']);
  const getter = attributeGetter(runtime, attribute);
  const sensitive = isTrue(caseSensitive);
  const distinct = function* (): Generator<Value> {
    const seen = new Set();
    for (const item of elements(runtime, input)) {
      const value = getter(item);
      const key = dictKey(runtime, sensitive ? value : ignoreCase(runtime, value));
      if (seen.has(key)) continue;
      runtime.budget.charge(OBJECT_COST);
      seen.add(key);
      yield item;
    }
  };
  return new OneShot(runtime, distinct());
}

function groupBy(runtime: Runtime, input: Value, args: CallArguments): Value {
  const [attribute = null, fallback = null, caseSensitive = false] = args.bind(
    'groupby',
    ['attribute', 'default', 'case_sensitive'],
    1,
  );
  const getter = attributeGetter(runtime, attribute, fallback);
  const sensitive = isTrue(caseSensitive);
  const key = (item: Value) => (sensitive ? getter(item) : ignoreCase(runtime, getter(item)));
  const groups: { key: Value; items: Value[] }[] = [];
  for (const item of sortBy(runtime, toArray(runtime, input), key)) {
    const itemKey = key(item);
    const group = groups.at(-1);
    if (group !== undefined && equals(runtime, group.key, itemKey)) group.items.push(item);
    else groups.push({ key: itemKey, items: [item] });
  }
  runtime.budget.charge(groups.length * OBJECT_COST * 4);
  return new List(groups.map(({ items }) => new GroupTuple([getter(items[0] ?? null), new List(items)])));
}

function sum(runtime: Runtime, input: Value, args: CallArguments): Value {
  const [attribute = null, start = 0] = args.bind('sum', ['attribute', 'start']);
  if (textOf(start) !== undefined) {
    throw new TemplateRuntimeError('TypeError', "sum() can't sum strings [use ''.join(seq) instead]");
  }
  const getter = attributeGetter(runtime, attribute);
  let total = start;
  for (const item of elements(runtime, input)) total = binary(runtime, '+', total, getter(item));
  return total;
}

function items(runtime: Runtime, input: Value): Value {
  const pairs = function* (): Generator<Value> {
    if (input instanceof Undefined) return;
    if (!(input instanceof Dict)) {
      throw new TemplateRuntimeError('TypeError', 'Can only get item pairs from a mapping.');
    }
    for (const entry of input.entries()) {
      runtime.budget.charge(OBJECT_COST);
      yield new Tuple(entry);
    }
  };
  return new OneShot(runtime, pairs());
}

function batch(runtime: Runtime, input: Value, args: CallArguments): Value {
  const [lineCount, fillWith = null] = args.bind('batch', ['linecount', 'fill_with'], 1);
  const size = expectInteger('batch', lineCount);
  const rows = function* (): Generator<Value> {
    let row: Value[] = [];
    for (const item of elements(runtime, input)) {
      runtime.budget.charge(OBJECT_COST);
      if (row.length === size) {
        yield new List(row);
        row = [];
      }
      row.push(item);
    }
    if (row.length === 0) return;
    yield new List(fillWith === null ? row : row.concat(fill(runtime, fillWith, size - row.length)));
  };
  return new OneShot(runtime, rows());
}

function fill(runtime: Runtime, value: Value, count: number): Value[] {
  runtime.budget.chargeElements(Math.max(0, count));
  return new Array<Value>(Math.max(0, count)).fill(value);
}

function slice(runtime: Runtime, input: Value, args: CallArguments): Value {
  const [slices, fillWith = null] = args.bind('slice', ['slices', 'fill_with'], 1);
  const count = expectInteger('slice', slices);
  const columns = function* (): Generator<Value> {
    const all = toArray(runtime, input);
    if (count === 0) throw new TemplateRuntimeError('ZeroDivisionError', 'integer division or modulo by zero');
    const size = Math.floor(all.length / count);
    const withExtra = all.length - size * count;
    for (let number = 0, start = 0; number < count; number++) {
      runtime.budget.step();
      runtime.budget.charge(OBJECT_COST);
      const end = start + size + (number < withExtra ? 1 : 0);
      const column = all.slice(start, end);
      if (fillWith !== null && number >= withExtra) column.push(fillWith);
      yield new List(column);
      start = end;
    }
  };
  return new OneShot(runtime, columns());
}

/** Filters that process the elements of a value. */
export const sequenceFilters: Readonly<Record<string, FilterFunction>> = {
  length,
  count: length,
  first,
  last,
  list: (runtime, input) => (input instanceof List ? input : new List(toArray(runtime, input))),
  reverse,
  random,
  join,
  sort,
  dictsort: dictSort,
  min: extreme('min'),
  max: extreme('max'),
  unique,
  groupby: groupBy,
  sum,
  items,
  batch,
  slice,
};
