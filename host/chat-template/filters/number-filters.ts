import { TemplateRuntimeError } from '../errors.ts';
import { expectInteger } from '../text/arguments.ts';
import { floatDigits, roundHalfEven } from '../text/format-number.ts';
import { parseFloatText, parseInteger } from '../text/parse-number.ts';
import { toText } from '../text/represent.ts';
import { binary, sign } from '../values/arithmetic.ts';
import type { CallArguments } from '../values/call-arguments.ts';
import { Float } from '../values/float.ts';
import { isNumeric, normalize, toInteger, toNumber } from '../values/integers.ts';
import { textOf } from '../values/markup.ts';
import { isTrue, typeName } from '../values/truth.ts';
import { defined } from '../values/undefined.ts';
import type { FilterFunction, Integer, Runtime, Value } from '../values/value.ts';

function int(_runtime: Runtime, input: Value, args: CallArguments): Value {
  const [fallback = 0, base = 10] = args.bind('int', ['default', 'base']);
  const value = defined(input);
  const text = textOf(value);
  if (text === undefined) {
    const integer = toInteger(value);
    if (integer !== undefined) return integer;
    return value instanceof Float ? (truncated(value.value) ?? fallback) : fallback;
  }
  const parsed = parseInteger(text, expectInteger('int', base));
  if (parsed !== undefined) return parsed;
  const float = parseFloatText(text);
  return float === undefined || !Number.isFinite(float) ? fallback : (truncated(float) ?? fallback);
}

/** Converts a float to an integer by truncation; undefined for NaN. @throws TemplateRuntimeError for infinity. */
function truncated(value: number): Integer | undefined {
  if (Number.isNaN(value)) return undefined;
  if (!Number.isFinite(value)) {
    throw new TemplateRuntimeError('OverflowError', 'cannot convert float infinity to integer');
  }
  const whole = Math.trunc(value) + 0;
  return Number.isSafeInteger(whole) ? whole : normalize(BigInt(whole));
}

function float(_runtime: Runtime, input: Value, args: CallArguments): Value {
  const [fallback = new Float(0)] = args.bind('float', ['default']);
  const value = defined(input);
  const text = textOf(value);
  const number = text === undefined ? toNumber(value) : parseFloatText(text);
  return number === undefined ? fallback : new Float(number);
}

function abs(_runtime: Runtime, input: Value): Value {
  const value = defined(input);
  const number = toNumber(value);
  if (number === undefined) {
    throw new TemplateRuntimeError('TypeError', `bad operand type for abs(): '${typeName(value)}'`);
  }
  return number < 0 || Object.is(number, -0) ? sign('-', value) : sign('+', value);
}

function round(runtime: Runtime, input: Value, args: CallArguments): Value {
  const [precision = 0, method = 'common'] = args.bind('round', ['precision', 'method']);
  const value = defined(input);
  const digits = expectInteger('round', precision);
  const methodName = toText(runtime, method);
  if (methodName !== 'common' && methodName !== 'ceil' && methodName !== 'floor') {
    throw new TemplateRuntimeError('FilterArgumentError', 'method must be common, ceil or floor');
  }
  if (!isNumeric(value)) {
    throw new TemplateRuntimeError('TypeError', `type ${typeName(value)} doesn't define __round__ method`);
  }
  if (methodName === 'common') {
    if (value instanceof Float) return new Float(roundHalfEven(value.value, digits));
    return roundInteger(toInteger(value) ?? 0, digits);
  }
  const factor = binary(runtime, '**', 10, digits);
  const scaled = binary(runtime, '*', value, factor);
  return binary(runtime, '/', toInteger(scaled) ?? ceilOrFloor(toNumber(scaled) ?? 0, methodName), factor);
}

function ceilOrFloor(value: number, method: 'ceil' | 'floor'): Integer {
  const whole = truncated(method === 'ceil' ? Math.ceil(value) : Math.floor(value));
  if (whole === undefined) throw new TemplateRuntimeError('ValueError', 'cannot convert float NaN to integer');
  return whole;
}

/** Rounds an integer half to even. A negative `digits` rounds to tens, hundreds and so on. */
function roundInteger(value: Integer, digits: number): Integer {
  if (digits >= 0) return value;
  if (digits < -400) return 0;
  const unit = 10n ** BigInt(-digits);
  const integer = BigInt(value);
  const remainder = ((integer % unit) + unit) % unit;
  const lower = integer - remainder;
  const up = remainder * 2n > unit || (remainder * 2n === unit && (lower / unit) % 2n !== 0n);
  return normalize(up ? lower + unit : lower);
}

function fileSize(runtime: Runtime, input: Value, args: CallArguments): Value {
  const [binaryUnits = false] = args.bind('filesizeformat', ['binary']);
  const text = textOf(defined(input));
  const bytes = text === undefined ? toNumber(input) : parseFloatText(text);
  if (bytes === undefined) {
    throw new TemplateRuntimeError('ValueError', `could not convert ${typeName(input)} to float`);
  }
  const isBinary = isTrue(binaryUnits);
  const base = isBinary ? 1024 : 1000;
  if (bytes === 1) return '1 Byte';
  if (bytes < base) return `${Math.trunc(bytes)} Bytes`;
  const prefixes = isBinary
    ? ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi', 'Yi']
    : ['k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];
  const found = prefixes.findIndex((_, index) => bytes < base ** (index + 2));
  const index = found === -1 ? prefixes.length - 1 : found;
  return `${floatDigits(runtime, (base * bytes) / base ** (index + 2), 'f', 1)} ${prefixes[index]}B`;
}

/** Filters that convert to numbers and format them. */
export const numberFilters: Readonly<Record<string, FilterFunction>> = {
  int,
  float,
  abs,
  round,
  filesizeformat: fileSize,
};
