import { TemplateRuntimeError } from '../errors.ts';
import { Float, formatFloat } from '../values/float.ts';
import { toInteger, toNumber } from '../values/integers.ts';
import { textOf } from '../values/markup.ts';
import { typeName } from '../values/truth.ts';
import type { Integer, Runtime, Value } from '../values/value.ts';
import { sliceCharacters } from './code-points.ts';
import { floatDigits, groupDigits } from './format-number.ts';
import { pad } from './pad-methods.ts';
import { integerText, toText } from './represent.ts';

/** Fill and alignment, sign, `#`, `0`, width, group separator, precision, type. */
const SPEC = /^(?:([\s\S])?([<>=^]))?([-+ ])?(z)?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([a-zA-Z%])?$/u;

interface Spec {
  readonly fill: string;
  readonly alignment: string | undefined;
  readonly sign: string;
  /** Whether numbers are padded with zeros after the sign. */
  readonly zero: boolean;
  readonly alternate: boolean;
  readonly width: number;
  readonly separator: string;
  readonly precision: number | undefined;
  readonly type: string;
}

/** Python's `format(value, spec)`, as used by `'{:>8}'.format(…)`. */
export function formatValue(runtime: Runtime, value: Value, specText: string): string {
  if (specText === '') return toText(runtime, value);
  const number = toNumber(value);
  const text = textOf(value);
  if (number === undefined && text === undefined) {
    throw new TemplateRuntimeError('TypeError', `unsupported format string passed to ${typeName(value)}.__format__`);
  }
  const spec = parseSpec(specText);
  if (text !== undefined) return formatString(runtime, text, spec);
  const integer = toInteger(value);
  const isFloatType = 'eEfFgG%'.includes(spec.type) && spec.type !== '';
  if (integer === undefined || isFloatType) return formatFloatValue(runtime, number ?? 0, spec, value instanceof Float);
  return formatInteger(runtime, integer, spec);
}

function parseSpec(text: string): Spec {
  const match = SPEC.exec(text);
  const [, , , , , , , , group, , kind = ''] = match ?? [];
  if (group !== undefined && (group === ',' ? 'nboxXc' : 'nc').includes(kind) && kind !== '') {
    throw new TemplateRuntimeError('ValueError', `Cannot specify '${group}' with '${kind}'.`);
  }
  if (match === null) throw new TemplateRuntimeError('ValueError', `Invalid format specifier '${text}'`);
  const [, fill, alignment, sign = '', , alternate, zero, width, separator = '', precision, type = ''] = match;
  return {
    fill: fill ?? (zero === undefined ? ' ' : '0'),
    alignment,
    zero: zero !== undefined,
    sign,
    alternate: alternate !== undefined,
    width: Number(width ?? 0),
    separator,
    precision: precision === undefined ? undefined : Number(precision),
    type,
  };
}

function formatString(runtime: Runtime, text: string, spec: Spec): string {
  if (spec.type !== '' && spec.type !== 's') throw unknownType(spec, 'str');
  if (spec.alignment === '=' || spec.sign !== '' || spec.alternate || spec.separator !== '') {
    throw new TemplateRuntimeError('ValueError', 'only width and precision are allowed in string format specifier');
  }
  const cut = spec.precision === undefined ? text : sliceCharacters(text, 0, spec.precision);
  return align(runtime, '', cut, spec, '<');
}

function formatInteger(runtime: Runtime, value: Integer, spec: Spec): string {
  const bases: Readonly<Record<string, number>> = { '': 10, d: 10, n: 10, b: 2, o: 8, x: 16, X: 16 };
  if (spec.precision !== undefined) {
    throw new TemplateRuntimeError('ValueError', 'Precision not allowed in integer format specifier');
  }
  if (spec.type === 'c') return align(runtime, '', String.fromCodePoint(Number(value)), spec, '>');
  const base = bases[spec.type];
  if (base === undefined) throw unknownType(spec, 'int');
  const size = value < 0 ? -value : value;
  const digits = base === 10 ? integerText(size) : size.toString(base);
  const prefix = !spec.alternate || base === 10 ? '' : base === 2 ? '0b' : base === 8 ? '0o' : '0x';
  const grouped = spec.separator === '' ? digits : groupDigits(digits, spec.separator, base === 10 ? 3 : 4);
  const body = prefix + grouped;
  return align(
    runtime,
    signOf(value < 0, spec),
    spec.type === 'X' ? body.toUpperCase() : body,
    spec,
    spec.zero ? '=' : '>',
  );
}

function formatFloatValue(runtime: Runtime, value: number, spec: Spec, isFloat: boolean): string {
  const type = spec.type.toLowerCase();
  if (!['', 'e', 'f', 'g', 'n', '%'].includes(type)) throw unknownType(spec, isFloat ? 'float' : 'int');
  const size = Math.abs(value);
  let digits: string;
  if (type === '' && spec.precision === undefined) digits = formatFloat(size);
  else {
    digits = floatDigits(runtime, size, type === 'n' || type === '' ? 'g' : type, spec.precision, spec.alternate);
    if (type === '' && /^\d+$/.test(digits)) digits += '.0';
  }
  if (spec.separator !== '') digits = groupDigits(digits, spec.separator, 3);
  const cased = spec.type === type ? digits : digits.toUpperCase();
  return align(runtime, signOf(value < 0 || Object.is(value, -0), spec), cased, spec, spec.zero ? '=' : '>');
}

function signOf(negative: boolean, { sign }: Spec): string {
  if (negative) return '-';
  return sign === '-' ? '' : sign;
}

function align(runtime: Runtime, sign: string, body: string, spec: Spec, defaultAlignment: string): string {
  const { width, fill } = spec;
  switch (spec.alignment ?? defaultAlignment) {
    case '<':
      return pad(runtime, sign + body, width, 'left', fill);
    case '>':
      return pad(runtime, sign + body, width, 'right', fill);
    case '=':
      return sign + pad(runtime, body, width - sign.length, 'right', fill);
    default:
      return centered(runtime, sign + body, width, fill);
  }
}

/** Centers a text. Unlike `str.center`, an odd fill character always goes to the right. */
function centered(runtime: Runtime, text: string, width: number, fill: string): string {
  const length = [...text].length;
  const left = Math.max(0, Math.floor((width - length) / 2));
  return pad(runtime, pad(runtime, text, length + left, 'right', fill), width, 'left', fill);
}

function unknownType({ type }: Spec, name: string): TemplateRuntimeError {
  return new TemplateRuntimeError('ValueError', `Unknown format code '${type}' for object of type '${name}'`);
}
