import { TemplateRuntimeError } from '../errors.ts';
import { Dict } from './dict.ts';
import { Float } from './float.ts';
import { isNumeric, toInteger, toNumber } from './integers.ts';
import { textOf } from './markup.ts';
import { List, Range, Sequence, Tuple } from './sequences.ts';
import { elements, typeName } from './truth.ts';
import { Undefined } from './undefined.ts';
import { type Runtime, TemplateObject, type Value } from './value.ts';

/** Python's `==`. Values of different types are not equal, except numbers. */
export function equals(runtime: Runtime, left: Value, right: Value): boolean {
  const text = textOf(left);
  if (text !== undefined) {
    const other = textOf(right);
    // V8 copies concatenated strings (ropes) before it compares them.
    if (other?.length === text.length) runtime.budget.charge(text.length * 2);
    return text === other;
  }
  if (isNumeric(left)) return isNumeric(right) && numberOrder(left, right) === 0;
  if (left === right) return true;
  if (left instanceof Undefined) return right instanceof Undefined;
  if (left instanceof List || left instanceof Tuple) return sameSequence(runtime, left, right);
  if (left instanceof Dict) return right instanceof Dict && sameDict(runtime, left, right);
  if (left instanceof Range) {
    return right instanceof Range && left.represent() === right.represent();
  }
  return false;
}

function sameSequence(runtime: Runtime, left: Sequence, right: Value): boolean {
  const sameType = right instanceof Sequence && left instanceof Tuple === right instanceof Tuple;
  if (!sameType || left.size !== right.size) return false;
  runtime.budget.enter();
  const same = left.items.every((item, index) => {
    runtime.budget.step();
    return equals(runtime, item, right.items[index] ?? null);
  });
  runtime.budget.leave();
  return same;
}

function sameDict(runtime: Runtime, left: Dict, right: Dict): boolean {
  if (left.size !== right.size) return false;
  runtime.budget.enter();
  let same = true;
  for (const [key, value] of left.entries()) {
    runtime.budget.step();
    const other = right.get(runtime, key);
    same = other !== undefined && equals(runtime, value, other);
    if (!same) break;
  }
  runtime.budget.leave();
  return same;
}

/** Returns a negative number, zero or a positive number; NaN if an operand is NaN. */
function numberOrder(left: Value, right: Value): number {
  const [a, b] = [comparable(left), comparable(right)];
  // JavaScript compares a number with a bigint exactly.
  if (a < b) return -1;
  if (a > b) return 1;
  // biome-ignore lint/suspicious/noDoubleEquals: a number and a bigint of the same value are not equal with ===.
  return a == b ? 0 : Number.NaN;
}

function comparable(value: Value): number | bigint {
  return value instanceof Float ? value.value : (toInteger(value) ?? 0);
}

/** Python's `<`, `<=`, `>` and `>=`. @throws TemplateRuntimeError for types without an order. */
export function isOrdered(runtime: Runtime, operator: '<' | '<=' | '>' | '>=', left: Value, right: Value): boolean {
  const order = compareOrder(runtime, left, right, operator);
  if (operator === '<') return order < 0;
  if (operator === '<=') return order <= 0;
  return operator === '>' ? order > 0 : order >= 0;
}

/**
 * Compares two values: negative, zero or positive.
 *
 * @param operator Operator that the error message names.
 * @throws TemplateRuntimeError for types without an order.
 */
export function compareOrder(runtime: Runtime, left: Value, right: Value, operator = '<'): number {
  if (isNumeric(left) && isNumeric(right)) return numberOrder(left, right);
  const [leftText, rightText] = [textOf(left), textOf(right)];
  if (leftText !== undefined && rightText !== undefined) {
    runtime.budget.charge(leftText.length + rightText.length);
    return textOrder(leftText, rightText);
  }
  const bothLists = left instanceof List && right instanceof List;
  if (bothLists || (left instanceof Tuple && right instanceof Tuple)) {
    return sequenceOrder(runtime, left.items, right.items, operator);
  }
  for (const side of [left, right]) if (side instanceof Undefined) throw side.error;
  throw new TemplateRuntimeError(
    'TypeError',
    `'${operator}' not supported between instances of '${typeName(left)}' and '${typeName(right)}'`,
  );
}

/** Compares by code points. Code units would sort surrogate pairs before U+E000 to U+FFFF. */
function textOrder(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    if (left[index] === right[index]) continue;
    return (left.codePointAt(index) ?? 0) - (right.codePointAt(index) ?? 0);
  }
  return left.length - right.length;
}

function sequenceOrder(runtime: Runtime, left: readonly Value[], right: readonly Value[], operator: string): number {
  runtime.budget.enter();
  let order = left.length - right.length;
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    runtime.budget.step();
    const [a = null, b = null] = [left[index], right[index]];
    if (equals(runtime, a, b)) continue;
    order = compareOrder(runtime, a, b, operator);
    break;
  }
  runtime.budget.leave();
  return order;
}

/** Python's `in`. @throws TemplateRuntimeError if the container is not iterable. */
export function contains(runtime: Runtime, container: Value, value: Value): boolean {
  const text = textOf(container);
  if (text !== undefined) {
    const part = textOf(value);
    if (part === undefined) {
      throw new TemplateRuntimeError(
        'TypeError',
        `'in <string>' requires string as left operand, not ${typeName(value)}`,
      );
    }
    runtime.budget.charge(text.length + part.length);
    return text.includes(part);
  }
  if (container instanceof Dict) return container.has(runtime, value);
  if (container instanceof Range) {
    const number = toNumber(value);
    return number !== undefined && container.has(number);
  }
  if (!(container instanceof TemplateObject) || container.iterate() === undefined) {
    throw new TemplateRuntimeError('TypeError', `argument of type '${typeName(container)}' is not iterable`);
  }
  for (const item of elements(runtime, container)) if (item === value || equals(runtime, item, value)) return true;
  return false;
}
