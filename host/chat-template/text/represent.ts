import { OBJECT_COST, SLOW_CHARACTER_COST } from '../budget.ts';
import { TemplateRuntimeError } from '../errors.ts';
import { MAX_INTEGER_DIGITS } from '../syntax/literals.ts';
import { bitLength } from '../values/integers.ts';
import { Markup } from '../values/markup.ts';
import { Undefined } from '../values/undefined.ts';
import type { Integer, Runtime, Value } from '../values/value.ts';

/** Characters that `repr` writes as an escape sequence: those that do not print, and the quote and the backslash. */
const SPECIAL = /[\\\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;
const HAS_SPECIAL = new RegExp(SPECIAL.source, 'u');

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Python's `str`: how a value prints. */
export function toText(runtime: Runtime, value: Value): string {
  if (typeof value === 'string') return value;
  if (value instanceof Markup) return value.text;
  return value instanceof Undefined ? '' : represent(runtime, value);
}

/** Python's `repr`: how a value prints inside a list. */
export function represent(runtime: Runtime, value: Value): string {
  const { budget } = runtime;
  switch (typeof value) {
    case 'string':
      return representText(runtime, value);
    case 'boolean':
      return value ? 'True' : 'False';
    case 'number':
      return String(value);
    case 'bigint':
      budget.charge(bitLength(value) * SLOW_CHARACTER_COST);
      return integerText(value);
    default:
  }
  if (value === null) return 'None';
  if (value instanceof Markup) return `Markup(${representText(runtime, value.text)})`;
  budget.step();
  budget.enter();
  const text = value.represent(runtime);
  budget.charge(OBJECT_COST + text.length);
  budget.leave();
  return text;
}

/** The decimal digits of an integer. */
export function integerText(value: Integer): string {
  const text = String(value);
  if (text.length <= MAX_INTEGER_DIGITS) return text;
  throw new TemplateRuntimeError('ValueError', `Exceeds the limit (${MAX_INTEGER_DIGITS} digits) for integer strings`);
}

/** A text in quotes: single ones, unless it holds only those. */
export function representText(runtime: Runtime, text: string): string {
  runtime.budget.charge(text.length);
  // What does not print is replaced one by one.
  if (HAS_SPECIAL.test(text)) runtime.budget.charge(text.length * SLOW_CHARACTER_COST);
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(SPECIAL, escapeCharacter);
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
}

function escapeCharacter(character: string): string {
  const short = SHORT_ESCAPES[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  const [letter, width] = code > 0xffff ? ['U', 8] : code > 0xff ? ['u', 4] : ['x', 2];
  return `\\${letter}${code.toString(16).padStart(width, '0')}`;
}
