import { TemplateRuntimeError } from '../errors.ts';
import { characterCount } from '../text/code-points.ts';
import { textOf } from './markup.ts';
import { type Runtime, TemplateObject, type Value } from './value.ts';

/** Returns whether a value is true in a condition. */
export function isTrue(value: Value): boolean {
  return value instanceof TemplateObject ? value.isTrue : Boolean(value);
}

/** Returns the name of a value's type in Python. */
export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  if (value instanceof TemplateObject) return value.typeName;
  if (typeof value === 'string') return 'str';
  return typeof value === 'boolean' ? 'bool' : 'int';
}

/** Returns the number of elements or code points; undefined if the type has no length. */
export function sizeOf(runtime: Runtime, value: Value): number | undefined {
  const text = textOf(value);
  if (text !== undefined) {
    runtime.budget.charge(text.length);
    return characterCount(text);
  }
  return value instanceof TemplateObject ? value.size : undefined;
}

/** Returns an iterator over the elements of a value; undefined if the type is not iterable. */
export function tryIterate(runtime: Runtime, value: Value): Iterator<Value> | undefined {
  const text = textOf(value);
  if (text !== undefined) {
    runtime.budget.charge(text.length);
    return text[Symbol.iterator]();
  }
  return value instanceof TemplateObject ? value.iterate() : undefined;
}

/** Returns an iterator over the elements of a value. @throws TemplateRuntimeError if the type is not iterable. */
export function iterate(runtime: Runtime, value: Value): Iterator<Value> {
  const iterator = tryIterate(runtime, value);
  if (iterator === undefined)
    throw new TemplateRuntimeError('TypeError', `'${typeName(value)}' object is not iterable`);
  return iterator;
}

/** Yields the elements of a value and counts steps. Does not close a one-shot iterator when the loop ends early. */
export function* elements(runtime: Runtime, value: Value): Generator<Value> {
  const iterator = iterate(runtime, value);
  for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
    runtime.budget.step();
    yield next.value;
  }
}

/** Returns the elements of a value as an array. */
export function toArray(runtime: Runtime, value: Value): Value[] {
  const items: Value[] = [];
  for (const item of elements(runtime, value)) {
    runtime.budget.chargeElements(1);
    items.push(item);
  }
  return items;
}
