import { OBJECT_COST } from './budget.ts';
import { TemplateRaisedError, TemplateRuntimeError } from './errors.ts';
import { expectInteger } from './text/arguments.ts';
import { toText } from './text/represent.ts';
import { strftime } from './text/strftime.ts';
import type { CallArguments } from './values/call-arguments.ts';
import { Callable } from './values/callable.ts';
import { ENTRY_COST } from './values/container-methods.ts';
import { Dict } from './values/dict.ts';
import { textOf } from './values/markup.ts';
import { Namespace } from './values/namespace.ts';
import { Range } from './values/sequences.ts';
import { elements, toArray, typeName } from './values/truth.ts';
import { type Runtime, TemplateObject, type Value } from './values/value.ts';

/** Maximum length of a range, as in Jinja's sandbox. */
const MAX_RANGE = 100_000;

/** `range(stop)`, `range(start, stop)`, `range(start, stop, step)`. */
function makeRange(_runtime: Runtime, args: CallArguments): Value {
  const [first, second, step = 1] = args.bind('range', ['start', 'stop', 'step'], 1);
  const [start, stop] = second === undefined ? [0, first] : [expectInteger('range', first), second];
  const range = new Range(start, expectInteger('range', stop), expectInteger('range', step));
  if (range.size <= MAX_RANGE) return range;
  throw new TemplateRuntimeError(
    'OverflowError',
    `Range too big. The sandbox blocks ranges larger than MAX_RANGE (${MAX_RANGE}).`,
  );
}

/** `dict(mapping)`, `dict(pairs)`, `dict(name=value)`. */
function makeDict(runtime: Runtime, args: CallArguments): Dict {
  const dict = new Dict();
  const [source] = args.positional;
  if (args.positional.length > 1) {
    throw new TemplateRuntimeError('TypeError', `dict expected at most 1 argument, got ${args.positional.length}`);
  }
  const add = (key: Value, value: Value) => {
    runtime.budget.step();
    runtime.budget.charge(ENTRY_COST);
    dict.set(runtime, key, value);
  };
  if (source instanceof Dict) for (const [key, value] of source.entries()) add(key, value);
  else if (source !== undefined) {
    for (const pair of elements(runtime, source)) {
      const [key, value, ...more] = toArray(runtime, pair);
      if (key === undefined || value === undefined || more.length > 0) {
        throw new TemplateRuntimeError('ValueError', 'dictionary update sequence element must have length 2');
      }
      add(key, value);
    }
  }
  for (const [name, value] of args.named) add(name, value);
  return dict;
}

function makeNamespace(runtime: Runtime, args: CallArguments): Value {
  const attributes: [string, Value][] = [];
  for (const [key, value] of makeDict(runtime, args).entries()) attributes.push([toText(runtime, key), value]);
  return new Namespace(attributes);
}

/** Jinja's `cycler`: `next()` cycles through the values. */
class Cycler extends TemplateObject {
  readonly typeName = 'Cycler';
  readonly #items: readonly Value[];
  #index = 0;

  constructor(items: readonly Value[]) {
    super();
    this.#items = items;
  }

  override attribute(_runtime: Runtime, name: string): Value | undefined {
    const current = this.#items[this.#index];
    if (name === 'current') return current;
    if (name === 'reset') {
      return new Callable(name, () => {
        this.#index = 0;
        return null;
      });
    }
    if (name !== 'next') return undefined;
    return new Callable(name, () => {
      const item = this.#items[this.#index] ?? null;
      this.#index = (this.#index + 1) % this.#items.length;
      return item;
    });
  }

  override represent(): string {
    return '<Cycler object>';
  }
}

/** Jinja's `joiner`: the first call returns an empty string, later calls return the separator. */
function makeJoiner(_runtime: Runtime, args: CallArguments): Value {
  const [separator = ', '] = args.bind('joiner', ['sep']);
  let used = false;
  return new Callable('joiner', () => {
    if (used) return separator;
    used = true;
    return '';
  });
}

function makeCycler(runtime: Runtime, args: CallArguments): Value {
  if (args.positional.length === 0) throw new TemplateRuntimeError('TypeError', 'at least one item has to be provided');
  runtime.budget.charge(OBJECT_COST);
  return new Cycler(args.positional);
}

function raiseException(runtime: Runtime, args: CallArguments): Value {
  const [message = null] = args.bind('raise_exception', ['message'], 1);
  throw new TemplateRaisedError(toText(runtime, message));
}

function strftimeNow(runtime: Runtime, args: CallArguments): Value {
  const [format = null] = args.bind('strftime_now', ['format'], 1);
  const text = textOf(format);
  if (text === undefined) {
    throw new TemplateRuntimeError('TypeError', `strftime() argument must be str, not ${typeName(format)}`);
  }
  // A directive of five characters can specify a width of up to 999.
  runtime.budget.charge(text.length * 256);
  return strftime(text, runtime.now);
}

/** Global functions: those of Jinja except `lipsum`, and those that `transformers` adds. */
export const GLOBALS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['range', new Callable('range', makeRange, 'type')],
  ['dict', new Callable('dict', makeDict, 'type')],
  ['namespace', new Callable('namespace', makeNamespace, 'type')],
  ['cycler', new Callable('cycler', makeCycler, 'type')],
  ['joiner', new Callable('joiner', makeJoiner, 'type')],
  ['raise_exception', new Callable('raise_exception', raiseException)],
  ['strftime_now', new Callable('strftime_now', strftimeNow)],
]);
