import { TemplateRuntimeError } from '../errors.ts';
import { characterCount } from '../text/code-points.ts';
import { textOf } from './markup.ts';
import { type Runtime, TemplateObject, type Value } from './value.ts';

/** Says whether a condition takes the value as true. */
export function isTrue(value: Value): boolean {
  return value instanceof TemplateObject ? value.isTrue : Boolean(value);
}

/** Python's name of a value's type. */
export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  if (value instanceof TemplateObject) return value.typeName;
  if (typeof value === 'string') return 'str';
  return typeof value === 'boolean' ? 'bool' : 'int';
}

/** Number of elements or characters; undefined if the type has none. */
export function sizeOf(runtime: Runtime, value: Value): number | undefined {
  const text = textOf(value);
  if (text !== undefined) {
    runtime.budget.charge(text.length);
    return characterCount(text);
  }
  return value instanceof TemplateObject ? value.size : undefined;
}

/** The elements of a value, counted as steps; undefined if the type cannot be walked. */
export function tryIterate(runtime: Runtime, value: Value): Iterator<Value> | undefined {
  const text = textOf(value);
  if (text !== undefined) {
    runtime.budget.charge(text.length);
    return text[Symbol.iterator]();
  }
  return value instanceof TemplateObject ? value.iterate() : undefined;
}

/** The elements of a value. @throws TemplateRuntimeError where the type cannot be walked. */
export function iterate(runtime: Runtime, value: Value): Iterator<Value> {
  const iterator = tryIterate(runtime, value);
  if (iterator === undefined)
    throw new TemplateRuntimeError('TypeError', `'${typeName(value)}' object is not iterable`);
  return iterator;
}

/** The elements of a value one by one. Unlike `for … of` itself, a walk that is left leaves a one-shot iterator open. */
export function* elements(runtime: Runtime, value: Value): Generator<Value> {
  const iterator = iterate(runtime, value);
  for (let next = iterator.next(); next.done !== true; next = iterator.next()) {
    runtime.budget.step();
    yield next.value;
  }
}

/** The elements of a value as an array. */
export function toArray(runtime: Runtime, value: Value): Value[] {
  const items: Value[] = [];
  for (const item of elements(runtime, value)) {
    runtime.budget.chargeElements(1);
    items.push(item);
  }
  return items;
}
