import { FILTERS } from './filters/filters.ts';
import { isLower, isUpper } from './text/case-methods.ts';
import { toText } from './text/represent.ts';
import { binary } from './values/arithmetic.ts';
import { contains, equals, isOrdered } from './values/compare.ts';
import { Dict, dictKey } from './values/dict.ts';
import { Float } from './values/float.ts';
import { isNumeric } from './values/integers.ts';
import { Markup, textOf } from './values/markup.ts';
import { Range, Sequence } from './values/sequences.ts';
import { tryIterate } from './values/truth.ts';
import { Undefined } from './values/undefined.ts';
import { type Runtime, TemplateObject, type TestFunction, type Value } from './values/value.ts';

/** Returns a test without arguments. */
function simple(name: string, test: (value: Value, runtime: Runtime) => boolean): TestFunction {
  return (runtime, input, args) => {
    args.bind(name, []);
    return test(input, runtime);
  };
}

/** Returns a test that compares the value with its argument. */
function comparing(name: string, test: (runtime: Runtime, value: Value, other: Value) => boolean): TestFunction {
  return (runtime, input, args) => {
    const [other = null] = args.bind(name, [name === 'in' ? 'seq' : name === 'divisibleby' ? 'num' : 'other'], 1);
    return test(runtime, input, other);
  };
}

function remainder(divisor: Value, expected: number): (value: Value, runtime: Runtime) => boolean {
  return (value, runtime) => equals(runtime, binary(runtime, '%', value, divisor), expected);
}

const equal = comparing('eq', equals);
const notEqual = comparing('ne', (runtime, value, other) => !equals(runtime, value, other));
const less = comparing('lt', (runtime, value, other) => isOrdered(runtime, '<', value, other));
const lessOrEqual = comparing('le', (runtime, value, other) => isOrdered(runtime, '<=', value, other));
const greater = comparing('gt', (runtime, value, other) => isOrdered(runtime, '>', value, other));
const greaterOrEqual = comparing('ge', (runtime, value, other) => isOrdered(runtime, '>=', value, other));

/** Returns whether a value has a length and can be indexed. */
function isSequence(value: Value): boolean {
  if (textOf(value) !== undefined || value instanceof Undefined) return true;
  return value instanceof Sequence || value instanceof Dict || value instanceof Range;
}

function isName(runtime: Runtime, names: ReadonlyMap<string, unknown>, value: Value): boolean {
  const key = dictKey(runtime, value);
  return typeof key === 'string' && names.has(key);
}

/** Returns whether a value can be called. As in Jinja, this includes undefined values; calling one throws. */
function isCallable(value: Value): boolean {
  return value instanceof Undefined || (value instanceof TemplateObject && value.callable !== undefined);
}

/** All tests by name. */
export const TESTS: ReadonlyMap<string, TestFunction> = new Map<string, TestFunction>(
  Object.entries({
    defined: simple('defined', (value) => !(value instanceof Undefined)),
    undefined: simple('undefined', (value) => value instanceof Undefined),
    none: simple('none', (value) => value === null),
    boolean: simple('boolean', (value) => typeof value === 'boolean'),
    true: simple('true', (value) => value === true),
    false: simple('false', (value) => value === false),
    integer: simple('integer', (value) => typeof value === 'number' || typeof value === 'bigint'),
    float: simple('float', (value) => value instanceof Float),
    number: simple('number', isNumeric),
    string: simple('string', (value) => textOf(value) !== undefined),
    mapping: simple('mapping', (value) => value instanceof Dict),
    sequence: simple('sequence', isSequence),
    iterable: simple('iterable', (value, runtime) => tryIterate(runtime, value) !== undefined),
    callable: simple('callable', (value) => isCallable(value)),
    escaped: simple('escaped', (value) => value instanceof Markup),
    lower: simple('lower', (value, runtime) => isLower(toText(runtime, value))),
    upper: simple('upper', (value, runtime) => isUpper(toText(runtime, value))),
    odd: simple('odd', remainder(2, 1)),
    even: simple('even', remainder(2, 0)),
    divisibleby: comparing('divisibleby', (runtime, value, divisor) => remainder(divisor, 0)(value, runtime)),
    sameas: comparing('sameas', (_, value, other) => value === other),
    in: comparing('in', (runtime, value, other) => contains(runtime, other, value)),
    filter: simple('filter', (value, runtime) => isName(runtime, FILTERS, value)),
    test: simple('test', (value, runtime) => isName(runtime, TESTS, value)),
    eq: equal,
    equalto: equal,
    '==': equal,
    ne: notEqual,
    '!=': notEqual,
    lt: less,
    lessthan: less,
    '<': less,
    le: lessOrEqual,
    '<=': lessOrEqual,
    gt: greater,
    greaterthan: greater,
    '>': greater,
    ge: greaterOrEqual,
    '>=': greaterOrEqual,
  }),
);
