import { TemplateRuntimeError } from '../errors.ts';
import { Dict } from '../values/dict.ts';
import { Float } from '../values/float.ts';
import { toInteger, toNumber } from '../values/integers.ts';
import { escapeHtml, Markup, markedLike, textOf } from '../values/markup.ts';
import { List, Range, Tuple } from '../values/sequences.ts';
import { typeName } from '../values/truth.ts';
import { Undefined } from '../values/undefined.ts';
import type { Runtime, Value } from '../values/value.ts';
import { sliceCharacters } from './code-points.ts';
import { floatDigits } from './format-number.ts';
import { pad } from './pad-methods.ts';
import { represent, toText } from './represent.ts';

/** `%`, a key in parentheses, flags, width, precision, a length modifier (ignored), and the type. */
const DIRECTIVE = /%(?:\(([^()]*)\))?([-+ #0]*)(\*|\d+)?(?:\.(\*|\d*))?[hlL]?([\s\S])?/g;

interface Directive {
  readonly flags: string;
  readonly width: number;
  readonly precision: number | undefined;
  readonly type: string;
}

/** Python's `format % values`. */
export function formatPercent(runtime: Runtime, format: Value, values: Value): Value {
  const text = textOf(format) ?? '';
  runtime.budget.charge(text.length);
  const source = new Values(runtime, values);
  let result = '';
  let end = 0;
  for (const match of text.matchAll(DIRECTIVE)) {
    runtime.budget.step();
    result = runtime.budget.join(result, text.slice(end, match.index));
    end = match.index + match[0].length;
    const [, key, flags = '', width, precision, type] = match;
    const directive: Directive = {
      flags,
      width: source.number(width) ?? 0,
      precision: precision === undefined ? undefined : (source.number(precision) ?? 0),
      type: type ?? '',
    };
    const piece = match[0] === '%%' ? '%' : formatOne(runtime, directive, source.next(key), format instanceof Markup);
    result = runtime.budget.join(result, piece);
  }
  source.assertUsed();
  return markedLike(format, runtime.budget.join(result, text.slice(end)));
}

/** The values to format, in order or by key. */
class Values {
  readonly #runtime: Runtime;
  readonly #all: Value;
  readonly #inOrder: readonly Value[];
  #index = 0;
  #byKey = false;

  constructor(runtime: Runtime, values: Value) {
    this.#runtime = runtime;
    this.#all = values;
    this.#inOrder = values instanceof Tuple ? values.items : [values];
  }

  number(digits: string | undefined): number | undefined {
    if (digits === undefined || digits === '') return undefined;
    if (digits !== '*') return Number(digits);
    const value = toInteger(this.next(undefined));
    if (value === undefined) throw new TemplateRuntimeError('TypeError', '* wants int');
    return Number(value);
  }

  next(key: string | undefined): Value {
    if (key !== undefined) {
      if (!(this.#all instanceof Dict)) throw new TemplateRuntimeError('TypeError', 'format requires a mapping');
      this.#byKey = true;
      const value = this.#all.get(this.#runtime, key);
      if (value === undefined) throw new TemplateRuntimeError('KeyError', `'${key}'`);
      return value;
    }
    const value = this.#inOrder[this.#index];
    this.#index += 1;
    if (value === undefined) throw new TemplateRuntimeError('TypeError', 'not enough arguments for format string');
    return value;
  }

  /** Throws if values are left over. As in Python, a value that could be indexed by key may be unused. */
  assertUsed(): void {
    const all = this.#all;
    const hasElements = all instanceof Dict || all instanceof List || all instanceof Range || all instanceof Undefined;
    if (this.#byKey || (hasElements && this.#index === 0)) return;
    if (this.#index < this.#inOrder.length) {
      throw new TemplateRuntimeError('TypeError', 'not all arguments converted during string formatting');
    }
  }
}

function formatOne(runtime: Runtime, directive: Directive, value: Value, isMarkup: boolean): string {
  const { type, flags, width, precision } = directive;
  const text = textual(runtime, type, value, isMarkup);
  if (text !== undefined) {
    const cut = precision === undefined || type === 'c' ? text : sliceCharacters(text, 0, precision);
    return pad(runtime, cut, width, flags.includes('-') ? 'left' : 'right');
  }
  const { negative, digits } = numeric(runtime, directive, value);
  const sign = negative ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  if (flags.includes('-')) return pad(runtime, sign + digits, width, 'left');
  if (flags.includes('0')) return sign + zeroPad(runtime, digits, width - sign.length);
  return pad(runtime, sign + digits, width, 'right');
}

/** Pads with zeros after the `0x` of `%#x`. */
function zeroPad(runtime: Runtime, digits: string, width: number): string {
  const prefix = /^0[xXo](?=.)/.exec(digits)?.[0] ?? '';
  return prefix + pad(runtime, digits.slice(prefix.length), width - prefix.length, 'right', '0');
}

function textual(runtime: Runtime, type: string, value: Value, isMarkup: boolean): string | undefined {
  switch (type) {
    case 's': {
      const text = toText(runtime, value);
      return isMarkup && !(value instanceof Markup) ? escapeHtml(text) : text;
    }
    case 'r':
      return represent(runtime, value);
    case 'a':
      return represent(runtime, value).replace(/[^\0-\x7f]/gu, (character) => {
        const code = character.codePointAt(0) ?? 0;
        const [letter, digits] = code > 0xffff ? ['U', 8] : code > 0xff ? ['u', 4] : ['x', 2];
        return `\\${letter}${code.toString(16).padStart(digits, '0')}`;
      });
    case 'c': {
      const text = textOf(value);
      const code = toInteger(value);
      if (text !== undefined && [...text].length === 1) return text;
      if (code === undefined || code < 0 || code > 0x10ffff) {
        throw new TemplateRuntimeError('TypeError', '%c requires int or char');
      }
      return String.fromCodePoint(Number(code));
    }
    default:
      return undefined;
  }
}

function numeric(
  runtime: Runtime,
  { type, flags, precision }: Directive,
  value: Value,
): { negative: boolean; digits: string } {
  if (value instanceof Undefined) throw value.error;
  const number = toNumber(value);
  if (number === undefined) {
    throw new TemplateRuntimeError('TypeError', `%${type} format: a number is required, not ${typeName(value)}`);
  }
  const lower = type.toLowerCase();
  if (lower === 'f' || lower === 'e' || lower === 'g') {
    const digits = floatDigits(runtime, Math.abs(number), lower, precision, flags.includes('#'));
    const negative = number < 0 || Object.is(number, -0);
    return { negative, digits: type === lower ? digits : digits.toUpperCase() };
  }
  const bases: Readonly<Record<string, number>> = { d: 10, i: 10, u: 10, x: 16, X: 16, o: 8 };
  const base = bases[type];
  if (base === undefined) {
    throw new TemplateRuntimeError(
      'ValueError',
      type === '' ? 'incomplete format' : `unsupported format character '${type}'`,
    );
  }
  if (base !== 10 && value instanceof Float) {
    throw new TemplateRuntimeError('TypeError', `%${type} format: an integer is required, not float`);
  }
  const integer = toInteger(value) ?? BigInt(Math.trunc(number));
  const size = integer < 0 ? -integer : integer;
  const digits = pad(runtime, size.toString(base), precision ?? 0, 'right', '0');
  const prefix = !flags.includes('#') || base === 10 ? '' : base === 16 ? '0x' : '0o';
  return { negative: integer < 0, digits: type === 'X' ? (prefix + digits).toUpperCase() : prefix + digits };
}
