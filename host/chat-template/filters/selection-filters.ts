import { TemplateRuntimeError } from '../errors.ts';
import { toText } from '../text/represent.ts';
import type { CallArguments } from '../values/call-arguments.ts';
import { getAttribute, hasAttribute } from '../values/lookup.ts';
import { textOf } from '../values/markup.ts';
import { OneShot } from '../values/sequences.ts';
import { elements, isTrue, typeName } from '../values/truth.ts';
import { Undefined } from '../values/undefined.ts';
import type { FilterFunction, Runtime, Value } from '../values/value.ts';
import { attributeGetter, type Getter } from './attribute-path.ts';

function map(runtime: Runtime, input: Value, args: CallArguments): Value {
  const mapped = function* (): Generator<Value> {
    if (!isTrue(input)) return;
    const change = mapper(runtime, args);
    for (const item of elements(runtime, input)) yield change(item);
  };
  return new OneShot(runtime, mapped());
}

/** Returns the function that `map` applies to each element: reading an attribute, or another filter. */
function mapper(runtime: Runtime, args: CallArguments): Getter {
  const attribute = args.named.get('attribute');
  if (args.positional.length === 0 && attribute !== undefined) {
    const unexpected = [...args.named.keys()].find((name) => name !== 'attribute' && name !== 'default');
    if (unexpected !== undefined) {
      throw new TemplateRuntimeError('FilterArgumentError', `Unexpected keyword argument '${unexpected}'`);
    }
    return attributeGetter(runtime, attribute, args.named.get('default'));
  }
  const [name] = args.positional;
  if (name === undefined) throw new TemplateRuntimeError('FilterArgumentError', 'map requires a filter argument');
  const filter = runtime.filter(toText(runtime, name));
  if (filter === undefined) {
    throw new TemplateRuntimeError('TemplateRuntimeError', `No filter named '${toText(runtime, name)}'.`);
  }
  const rest = args.skip(1);
  return (item) => filter(runtime, item, rest);
}

/** Returns a filter that keeps the elements whose test result is `wanted`. */
function selection(wanted: boolean, byAttribute: boolean): FilterFunction {
  return (runtime, input, args) => {
    const selected = function* (): Generator<Value> {
      if (!isTrue(input)) return;
      const passes = selector(runtime, args, byAttribute);
      for (const item of elements(runtime, input)) if (passes(item) === wanted) yield item;
    };
    return new OneShot(runtime, selected());
  };
}

function selector(runtime: Runtime, args: CallArguments, byAttribute: boolean): (item: Value) => boolean {
  const [attribute] = args.positional;
  if (byAttribute && attribute === undefined) {
    throw new TemplateRuntimeError('FilterArgumentError', 'Missing parameter for attribute name');
  }
  const getter: Getter = byAttribute ? attributeGetter(runtime, attribute ?? null) : (item) => item;
  const name = args.positional[byAttribute ? 1 : 0];
  if (name === undefined) return (item) => isTrue(getter(item));
  const test = runtime.test(toText(runtime, name));
  if (test === undefined) {
    throw new TemplateRuntimeError('TemplateRuntimeError', `No test named '${toText(runtime, name)}'.`);
  }
  const rest = args.skip(byAttribute ? 2 : 1);
  return (item) => test(runtime, getter(item), rest);
}

function fallback(_runtime: Runtime, input: Value, args: CallArguments): Value {
  const [value = '', whenFalse = false] = args.bind('default', ['default_value', 'boolean']);
  return input instanceof Undefined || (isTrue(whenFalse) && !isTrue(input)) ? value : input;
}

function attr(runtime: Runtime, input: Value, args: CallArguments): Value {
  const [name = null] = args.bind('attr', ['name'], 1);
  const text = textOf(name);
  if (text === undefined) {
    throw new TemplateRuntimeError('TypeError', `attribute name must be string, not '${typeName(name)}'`);
  }
  if (hasAttribute(runtime, input, text)) return getAttribute(runtime, input, text);
  return new Undefined(`the value has no attribute '${text}'`);
}

/** Filters that select elements and attributes. */
export const selectionFilters: Readonly<Record<string, FilterFunction>> = {
  map,
  select: selection(true, false),
  reject: selection(false, false),
  selectattr: selection(true, true),
  rejectattr: selection(false, true),
  default: fallback,
  d: fallback,
  attr,
};
