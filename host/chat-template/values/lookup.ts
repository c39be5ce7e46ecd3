import { SLOW_CHARACTER_COST } from '../budget.ts';
import { TemplateRuntimeError } from '../errors.ts';
import { expectIndex } from '../text/arguments.ts';
import { characterAt, characterCount, sliceCharacters } from '../text/code-points.ts';
import { represent, representText } from '../text/represent.ts';
import { containerMethod, isMutatingMethod } from './container-methods.ts';
import { toIndex } from './integers.ts';
import { markedLike, textOf } from './markup.ts';
import { numberAttribute } from './number-methods.ts';
import { List, Range, Sequence, Tuple } from './sequences.ts';
import { stringMethod } from './string-methods.ts';
import { typeName } from './truth.ts';
import { Undefined } from './undefined.ts';
import { orElse, type Runtime, TemplateObject, type Value } from './value.ts';

/** Evaluates `object.name`: the attribute, else the element with this key, else an undefined value. */
export function getAttribute(runtime: Runtime, object: Value, name: string): Value {
  return orElse(
    orElse(ownAttribute(runtime, object, name), () => element(runtime, object, name)),
    () => missing(runtime, object, name),
  );
}

/** Evaluates `object[key]`: the element, else the attribute of this name, else an undefined value. */
export function getItem(runtime: Runtime, object: Value, key: Value): Value {
  const found = element(runtime, object, key);
  if (found !== undefined) return found;
  const name = textOf(key);
  const attribute = name === undefined ? undefined : ownAttribute(runtime, object, name);
  return orElse(attribute, () => missing(runtime, object, key));
}

/** Returns whether an object has an attribute, not counting its elements. */
export function hasAttribute(runtime: Runtime, object: Value, name: string): boolean {
  return ownAttribute(runtime, object, name) !== undefined;
}

function ownAttribute(runtime: Runtime, object: Value, name: string): Value | undefined {
  // Names of Python internals, which Jinja's sandbox rejects. This interpreter has none, but must behave alike.
  if (name.startsWith('__') && !(object instanceof Undefined)) {
    return orElse(element(runtime, object, name), () => unsafe(object, name));
  }
  if (object instanceof Undefined) {
    if (name === '__class__') return unsafe(object, name);
    throw object.error;
  }
  const text = textOf(object);
  if (text !== undefined) return stringMethod(object, text, name);
  if (!(object instanceof TemplateObject)) return numberAttribute(object, name);
  if (isMutatingMethod(object, name)) return unsafe(object, name);
  const own = object.attribute(runtime, name);
  return orElse(own, () => numberAttribute(object, name) ?? containerMethod(object, name));
}

function unsafe(object: Value, name: string): Undefined {
  return new Undefined(`access to attribute '${name}' of '${typeName(object)}' object is unsafe.`, 'SecurityError');
}

function element(runtime: Runtime, object: Value, key: Value): Value | undefined {
  if (object instanceof Undefined) throw object.error;
  const text = textOf(object);
  if (text === undefined) return object instanceof TemplateObject ? object.item(runtime, key) : undefined;
  const index = toIndex(key);
  if (index === undefined) return undefined;
  runtime.budget.charge(text.length);
  const character = characterAt(text, index);
  return character === undefined ? undefined : markedLike(object, character);
}

function missing(runtime: Runtime, object: Value, key: Value): Undefined {
  return new Undefined(() => {
    const owner = object === null ? 'None' : `${typeName(object)} object`;
    const name = textOf(key);
    if (name === undefined) return `${owner} has no element ${represent(runtime, key)}`;
    return `'${owner}' has no attribute ${representText(runtime, name)}`;
  });
}

/** Evaluates `object[start:stop:step]`. @throws TemplateRuntimeError for a type that cannot be sliced. */
export function getSlice(runtime: Runtime, object: Value, bounds: SliceBounds): Value {
  if (object instanceof Undefined) throw object.error;
  const text = textOf(object);
  if (text !== undefined) {
    runtime.budget.charge(text.length * 2);
    const indices = sliceIndices(bounds, characterCount(text));
    if (indices.step === 1) {
      return markedLike(object, sliceCharacters(text, indices.start, Math.max(indices.start, indices.stop)));
    }
    runtime.budget.charge(text.length * SLOW_CHARACTER_COST);
    return markedLike(object, pick([...text], indices).join(''));
  }
  if (object instanceof Sequence) {
    const indices = sliceIndices(bounds, object.size);
    const count = Math.max(0, Math.ceil((indices.stop - indices.start) / indices.step));
    runtime.budget.chargeElements(count);
    const items = pick(object.items, indices);
    return object instanceof Tuple ? new Tuple(items) : new List(items);
  }
  if (object instanceof Range) {
    const { start, stop, step } = sliceIndices(bounds, object.size);
    return new Range(object.start + start * object.step, object.start + stop * object.step, step * object.step);
  }
  const problem = object instanceof TemplateObject && object.size !== undefined ? 'unhashable type: ' : '';
  throw new TemplateRuntimeError(
    'TypeError',
    problem === '' ? `'${typeName(object)}' object is not subscriptable` : `${problem}'slice'`,
  );
}

/** The bounds of a slice; null if omitted. */
export interface SliceBounds {
  readonly start: Value;
  readonly stop: Value;
  readonly step: Value;
}

interface SliceIndices {
  readonly start: number;
  readonly stop: number;
  readonly step: number;
}

function sliceIndices(bounds: SliceBounds, length: number): SliceIndices {
  const step = expectIndex(bounds.step) ?? 1;
  if (step === 0) throw new TemplateRuntimeError('ValueError', 'slice step cannot be zero');
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
  const clamp = (index: number | undefined, fallback: number) => {
    if (index === undefined) return fallback;
    return Math.min(Math.max(index < 0 ? index + length : index, low), high);
  };
  return {
    start: clamp(expectIndex(bounds.start), step > 0 ? low : high),
    stop: clamp(expectIndex(bounds.stop), step > 0 ? high : low),
    step,
  };
}

function pick<T>(items: readonly T[], { start, stop, step }: SliceIndices): T[] {
  if (step === 1) return items.slice(start, Math.max(start, stop));
  const picked: T[] = [];
  for (let index = start; step > 0 ? index < stop : index > stop; index += step) {
    const item = items[index];
    if (item !== undefined) picked.push(item);
  }
  return picked;
}
