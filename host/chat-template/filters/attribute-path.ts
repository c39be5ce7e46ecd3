import { OBJECT_COST, SLOW_CHARACTER_COST } from '../budget.ts';
import { toInteger } from '../values/integers.ts';
import { getItem } from '../values/lookup.ts';
import { textOf } from '../values/markup.ts';
import { Undefined } from '../values/undefined.ts';
import type { Runtime, Value } from '../values/value.ts';

/** Computes a value from an element, such as its sort key. */
export type Getter = (item: Value) => Value;

/**
 * Returns a function that reads the `attribute` argument of a filter from an element: `'a.b.0'` reads `item.a.b[0]`;
 * null returns the element itself.
 *
 * @param fallback Value of an attribute that does not exist.
 */
export function attributeGetter(runtime: Runtime, attribute: Value, fallback: Value = null): Getter {
  const path = attributePath(runtime, attribute);
  return (item) => {
    let value = item;
    for (const part of path) {
      value = getItem(runtime, value, part);
      if (fallback !== null && value instanceof Undefined) value = fallback;
    }
    return value;
  };
}

function attributePath(runtime: Runtime, attribute: Value): Value[] {
  if (attribute === null) return [];
  const text = textOf(attribute);
  if (text === undefined) return [toInteger(attribute) ?? attribute];
  runtime.budget.charge(text.length * SLOW_CHARACTER_COST);
  return text.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** Returns a function that reads several comma-separated attributes from an element. */
export function attributesGetter(runtime: Runtime, attributes: Value): (item: Value) => Value[] {
  const text = textOf(attributes);
  // One getter per attribute.
  runtime.budget.charge((text?.length ?? 0) * OBJECT_COST);
  const parts = text?.split(',') ?? [attributes];
  const getters = parts.map((part) => attributeGetter(runtime, part));
  return (item) => getters.map((getter) => getter(item));
}

/** Returns strings in lower case and other values unchanged, for filters that ignore case. */
export function ignoreCase(runtime: Runtime, value: Value): Value {
  const text = textOf(value);
  if (text === undefined) return value;
  runtime.budget.charge(text.length * 2);
  return text.toLowerCase();
}
