import { PIECE_COST, SLOW_CHARACTER_COST } from '../budget.ts';
import { TemplateRuntimeError } from '../errors.ts';
import { compareOrder } from '../values/compare.ts';
import { Dict } from '../values/dict.ts';
import { Float, formatFloat } from '../values/float.ts';
import { textOf } from '../values/markup.ts';
import { Sequence } from '../values/sequences.ts';
import { typeName } from '../values/truth.ts';
import { type Runtime, TemplateObject, type Value } from '../values/value.ts';
import { integerText, toText } from './represent.ts';

/** Options of Python's `json.dumps`. */
export interface JsonOptions {
  readonly ensureAscii: boolean;
  /** Indentation of each level; undefined writes everything on one line. */
  readonly indent: string | undefined;
  readonly itemSeparator: string;
  readonly keySeparator: string;
  readonly sortKeys: boolean;
}

/** Serializes a value like Python's `json.dumps`. @throws TemplateRuntimeError if a value is not serializable. */
export function toJson(runtime: Runtime, value: Value, options: JsonOptions): string {
  const pieces: string[] = [];
  write(runtime, value, options, '\n', pieces);
  return pieces.join('');
}

function write(runtime: Runtime, value: Value, options: JsonOptions, newline: string, pieces: string[]): void {
  runtime.budget.step();
  const scalar = scalarJson(runtime, value, options);
  if (scalar !== undefined) emit(runtime, pieces, scalar);
  else if (value instanceof Dict)
    writeAll(runtime, '{}', dictEntries(runtime, value, options), options, newline, pieces);
  else if (value instanceof Sequence) {
    const items = value.items.map((item) => ({ prefix: '', value: item }));
    writeAll(runtime, '[]', items, options, newline, pieces);
  } else {
    throw new TemplateRuntimeError('TypeError', `Object of type ${typeName(value)} is not JSON serializable`);
  }
}

function scalarJson(runtime: Runtime, value: Value, options: JsonOptions): string | undefined {
  const text = textOf(value);
  if (text !== undefined) return quote(runtime, text, options.ensureAscii);
  if (value === null) return 'null';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (value instanceof Float) return floatJson(value.value);
  return value instanceof TemplateObject ? undefined : integerText(value as number | bigint);
}

function floatJson(value: number): string {
  if (Number.isFinite(value)) return formatFloat(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? 'Infinity' : '-Infinity';
}

function writeAll(
  runtime: Runtime,
  brackets: string,
  items: readonly { readonly prefix: string; readonly value: Value }[],
  options: JsonOptions,
  newline: string,
  pieces: string[],
): void {
  if (items.length === 0) {
    emit(runtime, pieces, brackets);
    return;
  }
  runtime.budget.enter();
  const inner = options.indent === undefined ? '' : newline + options.indent;
  for (const [index, { prefix, value }] of items.entries()) {
    emit(runtime, pieces, (index === 0 ? brackets.slice(0, 1) : options.itemSeparator) + inner + prefix);
    write(runtime, value, options, inner, pieces);
  }
  emit(runtime, pieces, (options.indent === undefined ? '' : newline) + brackets.slice(1));
  runtime.budget.leave();
}

function dictEntries(runtime: Runtime, dict: Dict, options: JsonOptions): { prefix: string; value: Value }[] {
  const entries = [...dict.entries()];
  runtime.budget.chargeElements(entries.length * 2);
  if (options.sortKeys) {
    entries.sort(([a], [b]) => {
      runtime.budget.step();
      return compareOrder(runtime, a, b);
    });
  }
  return entries.map(([key, value]) => ({
    prefix: quote(runtime, keyText(runtime, key), options.ensureAscii) + options.keySeparator,
    value,
  }));
}

function keyText(runtime: Runtime, key: Value): string {
  if (key === null) return 'null';
  if (typeof key === 'boolean') return key ? 'true' : 'false';
  if (key instanceof Float) return floatJson(key.value);
  if (key instanceof TemplateObject && textOf(key) === undefined) {
    const problem = `keys must be str, int, float, bool or None, not ${typeName(key)}`;
    throw new TemplateRuntimeError('TypeError', problem);
  }
  return toText(runtime, key);
}

/**
 * Quotes a string like `json.dumps`. `JSON.stringify` differs only for lone surrogates, which it escapes and Python
 * does not.
 */
function quote(runtime: Runtime, text: string, ensureAscii: boolean): string {
  runtime.budget.charge(text.length * (ensureAscii ? SLOW_CHARACTER_COST : 6));
  const quoted = text.isWellFormed() ? JSON.stringify(text) : `"${text.replace(/["\\\p{Cc}]/gu, quoteOne)}"`;
  if (!ensureAscii) return quoted;
  return quoted.replace(/[\x7f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function quoteOne(character: string): string {
  return JSON.stringify(character).slice(1, -1);
}

function emit(runtime: Runtime, pieces: string[], piece: string): void {
  runtime.budget.charge(piece.length + PIECE_COST);
  pieces.push(piece);
}
