import { OBJECT_COST, SLOW_CHARACTER_COST } from '../budget.ts';
import { TemplateRuntimeError } from '../errors.ts';
import { MAX_INTEGER_DIGITS } from '../syntax/literals.ts';
import { bitLength } from '../values/integers.ts';
import { Markup } from '../values/markup.ts';
import { Undefined } from '../values/undefined.ts';
import type { Integer, Runtime, Value } from '../values/value.ts';

/** Characters that `repr` escapes besides quotes: backslashes and non-printable characters. */
const SPECIAL = /[\\\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;
const HAS_SPECIAL = new RegExp(SPECIAL.source, 'u');

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Python's `str(value)`. */
export function toText(runtime: Runtime, value: Value): string {
  if (typeof value === 'string') return value;
  if (value instanceof Markup) return value.text;
  return value instanceof Undefined ? '' : represent(runtime, value);
}

/** Python's `repr(value)`. */
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

/** Returns the decimal digits of an integer. @throws TemplateRuntimeError if there are too many. */
export function integerText(value: Integer): string {
  const text = String(value);
  if (text.length <= MAX_INTEGER_DIGITS) return text;
  throw new TemplateRuntimeError('ValueError', `Exceeds the limit (${MAX_INTEGER_DIGITS} digits) for integer strings`);
}

/** Quotes a string: in single quotes, unless it contains single quotes and no double quotes. */
export function representText(runtime: Runtime, text: string): string {
  runtime.budget.charge(text.length);
  // Special characters are replaced one by one.
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
