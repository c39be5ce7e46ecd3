import type { StringMethod } from '../text/arguments.ts';
import { caseMethods } from '../text/case-methods.ts';
import { padMethods } from '../text/pad-methods.ts';
import { searchMethods } from '../text/search-methods.ts';
import { splitMethods } from '../text/split-methods.ts';
import { formatMap, formatText } from '../text/str-format.ts';
import { CallArguments } from './call-arguments.ts';
import { Callable } from './callable.ts';
import { escapeHtml, Markup } from './markup.ts';
import { List, Tuple } from './sequences.ts';
import type { Runtime, Value } from './value.ts';

/** Methods whose result is not derived from the text: it is not marked as safe. */
const PLAIN: ReadonlySet<string> = new Set(Object.keys(searchMethods));

const METHODS: ReadonlyMap<string, StringMethod> = new Map(
  Object.entries({
    ...caseMethods,
    ...padMethods,
    ...searchMethods,
    ...splitMethods,
    format: (runtime, text, args) => formatText(runtime, text, args),
    format_map: (runtime, text, args) => formatMap(runtime, text, args),
  } satisfies Record<string, StringMethod>),
);

/** Returns a method of a string; undefined if there is no method of this name. */
export function stringMethod(owner: Value, text: string, name: string): Callable | undefined {
  const method = METHODS.get(name);
  if (method === undefined) return undefined;
  const invoke = (runtime: Runtime, args: CallArguments) => {
    runtime.budget.charge(text.length);
    if (!(owner instanceof Markup) || PLAIN.has(name)) return method(runtime, text, args);
    return mark(method(runtime, text, escapeArguments(args)));
  };
  return new Callable(name, invoke, 'builtin_function_or_method');
}

/** Escapes the string arguments of a method of `Markup`. */
function escapeArguments(args: CallArguments): CallArguments {
  const safe = (value: Value): Value => {
    if (typeof value === 'string') return escapeHtml(value);
    if (value instanceof List) return new List(value.items.map(safe));
    return value;
  };
  return new CallArguments(
    args.positional.map(safe),
    new Map([...args.named].map(([name, value]) => [name, safe(value)])),
  );
}

function mark(value: Value): Value {
  if (typeof value === 'string') return new Markup(value);
  if (value instanceof List) return new List(value.items.map(mark));
  return value instanceof Tuple ? new Tuple(value.items.map(mark)) : value;
}
