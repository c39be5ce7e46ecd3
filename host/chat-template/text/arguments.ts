import { TemplateRuntimeError } from '../errors.ts';
import type { CallArguments } from '../values/call-arguments.ts';
import { toIndex } from '../values/integers.ts';
import { textOf } from '../values/markup.ts';
import { typeName } from '../values/truth.ts';
import type { Runtime, Value } from '../values/value.ts';

/** A method of strings. */
export type StringMethod = (runtime: Runtime, text: string, args: CallArguments) => Value;

/** Returns an argument as a string. @throws TemplateRuntimeError for another type. */
export function expectText(method: string, value: Value | undefined): string {
  const text = textOf(value);
  if (text !== undefined) return text;
  throw new TemplateRuntimeError('TypeError', `${method}: expected a string, got ${typeName(value ?? null)}`);
}

/** Returns an index of a slice; undefined for None. @throws TemplateRuntimeError for another type. */
export function expectIndex(value: Value): number | undefined {
  if (value === null) return undefined;
  const index = toIndex(value);
  if (index !== undefined) return index;
  throw new TemplateRuntimeError('TypeError', 'slice indices must be integers or None or have an __index__ method');
}

/** Returns an argument as an integer. @throws TemplateRuntimeError for another type. */
export function expectInteger(method: string, value: Value | undefined): number {
  const index = toIndex(value);
  if (index !== undefined) return index;
  throw new TemplateRuntimeError(
    'TypeError',
    `${method}: '${typeName(value ?? null)}' object cannot be interpreted as an integer`,
  );
}
