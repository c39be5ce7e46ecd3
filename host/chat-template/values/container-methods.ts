import { TemplateRuntimeError } from '../errors.ts';
import type { CallArguments } from './call-arguments.ts';
import { Callable } from './callable.ts';
import { equals } from './compare.ts';
import { Dict, DictView } from './dict.ts';
import { toIndex, toNumber } from './integers.ts';
import { List, Range, Sequence } from './sequences.ts';
import { elements } from './truth.ts';
import { orElse, type Runtime, type Value } from './value.ts';

/** Methods that mutate a value. Jinja's immutable sandbox rejects them. */
const MUTATING_METHODS = {
  list: new Set(['append', 'clear', 'extend', 'insert', 'pop', 'remove', 'reverse', 'sort']),
  dict: new Set(['clear', 'pop', 'popitem', 'setdefault', 'update']),
};

/** Returns whether a method of a list or dictionary mutates it. */
export function isMutatingMethod(value: Value, name: string): boolean {
  if (value instanceof List) return MUTATING_METHODS.list.has(name);
  return value instanceof Dict && MUTATING_METHODS.dict.has(name);
}

type Method = (runtime: Runtime, args: CallArguments) => Value;

/** Returns a method of a list, tuple, range or dictionary; undefined if the type has no method of this name. */
export function containerMethod(value: Value, name: string): Callable | undefined {
  const method =
    value instanceof Dict
      ? dictMethod(value, name)
      : value instanceof Sequence
        ? sequenceMethod(value, name)
        : value instanceof Range
          ? rangeMethod(value, name)
          : undefined;
  return method === undefined ? undefined : new Callable(name, method, 'builtin_function_or_method');
}

function dictMethod(dict: Dict, name: string): Method | undefined {
  switch (name) {
    case 'keys':
    case 'values':
    case 'items':
      return (_, args) => {
        args.bind(name, []);
        return new DictView(dict, name);
      };
    case 'get':
      return (runtime, args) => {
        const [key = null, fallback = null] = args.bind('get', ['key', 'default'], 1);
        return orElse(dict.get(runtime, key), () => fallback);
      };
    case 'copy':
      return (_, args) => {
        args.bind('copy', []);
        // Dictionaries are immutable, so no copy is needed.
        return dict;
      };
    case 'fromkeys':
      return (runtime, args) => {
        const [keys = null, value = null] = args.bind('fromkeys', ['iterable', 'value'], 1);
        const made = new Dict();
        for (const key of elements(runtime, keys)) {
          runtime.budget.charge(ENTRY_COST);
          made.set(runtime, key, value);
        }
        return made;
      };
    default:
      return undefined;
  }
}

/** Cost of a dictionary entry, in characters: about 160 bytes. */
export const ENTRY_COST = 80;

function sequenceMethod(sequence: Sequence, name: string): Method | undefined {
  const isSame = (runtime: Runtime, item: Value, value: Value) => {
    runtime.budget.step();
    return item === value || equals(runtime, item, value);
  };
  switch (name) {
    case 'index':
      return (runtime, args) => {
        const [value = null, start = 0, stop = sequence.size] = args.bind('index', ['value', 'start', 'stop'], 1);
        const from = clampIndex(start, sequence.size);
        const found = sequence.items
          .slice(from, clampIndex(stop, sequence.size))
          .findIndex((item) => isSame(runtime, item, value));
        if (found === -1) throw new TemplateRuntimeError('ValueError', `value is not in ${sequence.typeName}`);
        return from + found;
      };
    case 'count':
      return (runtime, args) => {
        const [value = null] = args.bind('count', ['value'], 1);
        return sequence.items.filter((item) => isSame(runtime, item, value)).length;
      };
    case 'copy':
      return sequence instanceof List
        ? (_, args) => {
            args.bind('copy', []);
            return sequence;
          }
        : undefined;
    default:
      return undefined;
  }
}

function rangeMethod(range: Range, name: string): Method | undefined {
  if (name !== 'index' && name !== 'count') return undefined;
  return (_, args) => {
    const [value = null] = args.bind(name, ['value'], 1);
    const number = toNumber(value);
    const index = number === undefined ? undefined : range.indexOf(number);
    if (name === 'count') return index === undefined ? 0 : 1;
    if (index === undefined) throw new TemplateRuntimeError('ValueError', 'value is not in range');
    return index;
  };
}

function clampIndex(value: Value, size: number): number {
  const index = toIndex(value) ?? 0;
  return Math.max(0, Math.min(size, index < 0 ? index + size : index));
}
