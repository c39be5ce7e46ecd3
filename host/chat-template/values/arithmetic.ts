import { SLOW_CHARACTER_COST } from '../budget.ts';
import { TemplateRuntimeError } from '../errors.ts';
import type { BinaryOperator } from '../syntax/ast.ts';
import { formatPercent } from '../text/percent-format.ts';
import { toText } from '../text/represent.ts';
import { Float } from './float.ts';
import {
  assertIntegerBits,
  bitLength,
  compute,
  isNumeric,
  MAX_INTEGER_BITS,
  normalize,
  toIndex,
  toInteger,
  toNumber,
} from './integers.ts';
import { escapeHtml, Markup, markedLike, textOf } from './markup.ts';
import { List, Sequence, Tuple } from './sequences.ts';
import { typeName } from './truth.ts';
import { Undefined } from './undefined.ts';
import type { Integer, Runtime, Value } from './value.ts';

/** Evaluates a binary operator. @throws TemplateRuntimeError if the types do not support it. */
export function binary(runtime: Runtime, operator: BinaryOperator, left: Value, right: Value): Value {
  if (operator === '%' && textOf(left) !== undefined) return formatPercent(runtime, left, right);
  for (const side of [left, right]) if (side instanceof Undefined) throw side.error;
  if (isNumeric(left) && isNumeric(right)) return arithmetic(runtime, operator, left, right);
  const result =
    operator === '+' ? concatenate(runtime, left, right) : operator === '*' && repeat(runtime, left, right);
  if (result !== undefined && result !== false) return result;
  const sign = operator === '**' ? '** or pow()' : operator;
  throw new TemplateRuntimeError(
    'TypeError',
    `unsupported operand type(s) for ${sign}: '${typeName(left)}' and '${typeName(right)}'`,
  );
}

/** Evaluates a unary `-` or `+`. */
export function sign(operator: '-' | '+', operand: Value): Value {
  if (operand instanceof Undefined) throw operand.error;
  if (operand instanceof Float) return operator === '-' ? new Float(-operand.value) : operand;
  const integer = toInteger(operand);
  if (integer === undefined) {
    throw new TemplateRuntimeError('TypeError', `bad operand type for unary ${operator}: '${typeName(operand)}'`);
  }
  if (operator === '+' || integer === 0) return integer;
  return typeof integer === 'bigint' ? normalize(-integer) : -integer;
}

/** Evaluates the `~` operator, which concatenates its operands as strings. */
export function concatText(runtime: Runtime, parts: readonly Value[]): Value {
  const marked = runtime.autoescape && parts.some((part) => part instanceof Markup);
  let text = '';
  for (const part of parts) {
    const piece = marked && !(part instanceof Markup) ? escaped(runtime, part) : toText(runtime, part);
    text = runtime.budget.join(text, piece);
  }
  return marked ? new Markup(text) : text;
}

/** Converts a value to a string that is safe in HTML. */
export function escaped(runtime: Runtime, value: Value): string {
  const text = toText(runtime, value);
  if (value instanceof Markup) return text;
  // An escape sequence has up to six characters.
  runtime.budget.charge(text.length * 6);
  return escapeHtml(text);
}

function concatenate(runtime: Runtime, left: Value, right: Value): Value | undefined {
  const [leftText, rightText] = [textOf(left), textOf(right)];
  if (leftText !== undefined && rightText !== undefined) {
    if (left instanceof Markup || right instanceof Markup) {
      return new Markup(runtime.budget.join(escaped(runtime, left), escaped(runtime, right)));
    }
    return runtime.budget.join(leftText, rightText);
  }
  if (leftText !== undefined || left instanceof Sequence) {
    const lists = left instanceof List && right instanceof List;
    if (!lists && !(left instanceof Tuple && right instanceof Tuple)) {
      const type = typeName(left);
      throw new TemplateRuntimeError('TypeError', `can only concatenate ${type} (not "${typeName(right)}") to ${type}`);
    }
    runtime.budget.chargeElements(left.size + right.size);
    const items = [...left.items, ...right.items];
    return lists ? new List(items) : new Tuple(items);
  }
  return undefined;
}

function repeat(runtime: Runtime, left: Value, right: Value): Value | undefined {
  const [value, times] = isNumeric(left) ? [right, toIndex(left)] : [left, toIndex(right)];
  if (times === undefined) return undefined;
  const count = Math.max(0, times);
  const text = textOf(value);
  if (text !== undefined) {
    runtime.budget.charge(text.length * count);
    return markedLike(value, text.repeat(count));
  }
  if (!(value instanceof Sequence)) return undefined;
  runtime.budget.chargeElements(value.size * count);
  const items = Array.from({ length: value.size === 0 ? 0 : count }, () => value.items).flat();
  return value instanceof Tuple ? new Tuple(items) : new List(items);
}

function arithmetic(runtime: Runtime, operator: BinaryOperator, left: Value, right: Value): Value {
  const [a, b] = [toInteger(left), toInteger(right)];
  // The cost of large integers grows with their length. The length of a power is the base's length times the exponent.
  if (typeof a === 'bigint' || typeof b === 'bigint') {
    runtime.budget.charge((bitLength(a ?? 0) + bitLength(b ?? 0)) * SLOW_CHARACTER_COST);
  }
  if (operator === '**' && a !== undefined && b !== undefined) {
    runtime.budget.charge(Math.min(bitLength(a) * Number(b), MAX_INTEGER_BITS) * SLOW_CHARACTER_COST);
  }
  if (a !== undefined && b !== undefined && operator === '/') return new Float(divide(a, b));
  if (a === undefined || b === undefined) {
    return new Float(floatArithmetic(operator, toNumber(left) ?? 0, toNumber(right) ?? 0));
  }
  return integerArithmetic(operator, a, b);
}

function integerArithmetic(operator: BinaryOperator, a: Integer, b: Integer): Value {
  switch (operator) {
    case '+':
      return compute(
        a,
        b,
        (x, y) => x + y,
        (x, y) => x + y,
      );
    case '-':
      return compute(
        a,
        b,
        (x, y) => x - y,
        (x, y) => x - y,
      );
    case '*':
      assertIntegerBits(bitLength(a) + bitLength(b));
      return compute(
        a,
        b,
        (x, y) => x * y,
        (x, y) => x * y,
      );
    case '**':
      return power(a, b);
    default:
  }
  if (b === 0) throw new TemplateRuntimeError('ZeroDivisionError', 'integer division or modulo by zero');
  if (operator === '//') return compute(a, b, (x, y) => (x - modulo(x, y)) / y, floorDivide);
  return compute(a, b, modulo, (x, y) => x - y * floorDivide(x, y));
}

/** Divides two integers, rounding once. */
function divide(a: Integer, b: Integer): number {
  if (typeof a === 'number' && typeof b === 'number') return floatArithmetic('/', a, b);
  const [dividend, divisor] = [BigInt(a), BigInt(b)];
  // Shift for at least 70 bits, and set the last bit if there is a remainder: the conversion then rounds correctly.
  const shift = Math.max(0, bitLength(b) - bitLength(a) + 70);
  const scaled = dividend << BigInt(shift);
  const quotient = (scaled / divisor) | (scaled % divisor === 0n ? 0n : 1n);
  const result = Number(quotient) / 2 ** shift;
  if (Number.isFinite(result)) return result;
  throw new TemplateRuntimeError('OverflowError', 'integer division result too large for a float');
}

/** Returns the remainder with the sign of the divisor, as in Python. */
function modulo(a: number, b: number): number {
  const remainder = a % b;
  return remainder !== 0 && remainder < 0 !== b < 0 ? remainder + b : remainder;
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}

function power(base: Integer, exponent: Integer): Value {
  if (exponent < 0) return new Float(floatArithmetic('**', Number(base), Number(exponent)));
  if (base === 0 || base === 1 || base === -1) {
    return exponent === 0 ? 1 : base === -1 && BigInt(exponent) % 2n === 0n ? 1 : base;
  }
  assertIntegerBits(bitLength(base) * Number(exponent));
  return normalize(BigInt(base) ** BigInt(exponent));
}

function floatArithmetic(operator: BinaryOperator, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '**':
      return floatPower(a, b);
    default:
  }
  if (b === 0) throw new TemplateRuntimeError('ZeroDivisionError', 'float division by zero');
  if (operator === '/') return a / b;
  const remainder = modulo(a, b);
  if (operator === '%') return remainder === 0 ? Math.sign(b) * 0 : remainder;
  return Math.round((a - remainder) / b) || Math.sign(a / b) * 0;
}

function floatPower(base: number, exponent: number): number {
  if (base === 0 && exponent < 0) {
    throw new TemplateRuntimeError('ZeroDivisionError', '0.0 cannot be raised to a negative power');
  }
  const result = base ** exponent;
  if (Number.isNaN(result) && !Number.isNaN(base) && !Number.isNaN(exponent)) {
    throw new TemplateRuntimeError('ValueError', 'complex numbers are not supported');
  }
  if (!Number.isFinite(result) && Number.isFinite(base) && Number.isFinite(exponent)) {
    throw new TemplateRuntimeError('OverflowError', 'Numerical result out of range');
  }
  return result;
}
