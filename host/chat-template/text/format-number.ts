import { TemplateRuntimeError } from '../errors.ts';
import type { Runtime } from '../values/value.ts';

/** Maximum number of digits after the decimal point: the limit of `toFixed`. */
const MAX_PRECISION = 100;

/**
 * Formats the absolute value of a float with one of Python's presentation types (`f`, `e`, `g`, `%`). The caller adds
 * the sign.
 */
export function floatDigits(runtime: Runtime, size: number, type: string, precision = 6, alternate = false): string {
  const digits = plainDigits(runtime, size, type, precision, alternate);
  // `#` keeps a decimal point without digits after it.
  return alternate && Number.isFinite(size) && !digits.includes('.') ? digits.replace(/^\d+/, '$&.') : digits;
}

function plainDigits(runtime: Runtime, size: number, type: string, precision: number, alternate: boolean): string {
  if (Number.isNaN(size)) return 'nan';
  if (!Number.isFinite(size)) return 'inf';
  if (precision > MAX_PRECISION) throw new TemplateRuntimeError('ValueError', 'precision too big');
  runtime.budget.charge(precision + 400);
  switch (type) {
    case 'f':
      return fixed(size, precision);
    case 'e':
      return exponential(size, precision);
    case '%':
      return `${fixed(size * 100, precision)}%`;
    default:
      return general(size, precision === 0 ? 1 : precision, alternate);
  }
}

function fixed(size: number, precision: number): string {
  if (size >= 1e21) {
    const whole = BigInt(size).toString();
    return precision === 0 ? whole : `${whole}.${'0'.repeat(precision)}`;
  }
  return roundedFixed(size, precision);
}

/** `toFixed` that rounds half to even, as in Python. */
function roundedFixed(size: number, precision: number): string {
  const rounded = size.toFixed(precision);
  const exact = size.toFixed(MAX_PRECISION);
  const kept = precision === 0 ? exact.indexOf('.') : exact.indexOf('.') + 1 + precision;
  const rest = exact.slice(kept).replace('.', '');
  if (precision >= MAX_PRECISION || !/^50*$/.test(rest)) return rounded;
  const lower = exact.slice(0, kept);
  return Number(lower.at(-1)) % 2 === 0 ? lower : rounded;
}

/** Rounds to a number of decimal places, half to even. */
export function roundHalfEven(value: number, digits: number): number {
  if (!Number.isFinite(value) || value === 0 || digits > 22 || Math.abs(value) >= 1e21) return value;
  if (digits >= 0) return Math.sign(value) * Number(roundedFixed(Math.abs(value), digits)) || Math.sign(value) * 0;
  const unit = 10 ** -digits;
  const scaled = Math.abs(value) / unit;
  const floor = Math.floor(scaled);
  const up = scaled - floor > 0.5 || (scaled - floor === 0.5 && floor % 2 === 1);
  return Math.sign(value) * (up ? floor + 1 : floor) * unit;
}

function exponential(size: number, precision: number): string {
  const [mantissa = '', exponent = '0'] = roundedExponential(size, precision).split('e');
  return `${mantissa}e${exponentText(Number(exponent))}`;
}

/** `toExponential` that rounds half to even, as in Python. */
function roundedExponential(size: number, precision: number): string {
  const rounded = size.toExponential(precision);
  const exact = size.toExponential(MAX_PRECISION);
  // A digit, a point, and the digits after it.
  const kept = precision === 0 ? 1 : precision + 2;
  const [rest = ''] = exact.slice(kept).replace('.', '').split('e');
  if (!/^50*$/.test(rest)) return rounded;
  const lower = exact.slice(0, kept);
  return Number(lower.at(-1)) % 2 === 0 ? lower + exact.slice(exact.indexOf('e')) : rounded;
}

function exponentText(exponent: number): string {
  return (exponent < 0 ? '-' : '+') + String(Math.abs(exponent)).padStart(2, '0');
}

function general(size: number, precision: number, alternate: boolean): string {
  const [mantissa = '', exponentDigits = '0'] = roundedExponential(size, precision - 1).split('e');
  const exponent = Number(exponentDigits);
  const shorten = (text: string) => (alternate || !text.includes('.') ? text : text.replace(/\.?0+$/, ''));
  if (exponent < -4 || exponent >= precision) return `${shorten(mantissa)}e${exponentText(exponent)}`;
  return shorten(fixed(size, precision - 1 - exponent));
}

/** Inserts a separator between groups of digits of the integer part. */
export function groupDigits(digits: string, separator: string, groupSize: number): string {
  const match = /^[\da-f]+/i.exec(digits);
  if (match === null) return digits;
  const whole = match[0];
  const groups: string[] = [];
  for (let end = whole.length; end > 0; end -= groupSize)
    groups.unshift(whole.slice(Math.max(0, end - groupSize), end));
  return groups.join(separator) + digits.slice(whole.length);
}
