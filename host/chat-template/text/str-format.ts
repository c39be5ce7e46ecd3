import { TemplateRuntimeError } from '../errors.ts';
import { CallArguments } from '../values/call-arguments.ts';
import { Dict } from '../values/dict.ts';
import { typeName } from '../values/truth.ts';
import type { Runtime, Value } from '../values/value.ts';
import { formatValue } from './format-spec.ts';
import { represent, toText } from './represent.ts';

/** The arguments of replacement fields. */
interface Source {
  readonly args: CallArguments;
  /** Index of the next automatically numbered field; undefined after a manually numbered field. */
  automatic: number | undefined;
}

/** Maximum nesting of fields: a field's format specification may contain fields, whose own may not. */
const MAX_FIELD_DEPTH = 2;

/** Python's `'{} {name!r:>8}'.format(…)`. */
export function formatText(runtime: Runtime, text: string, args: CallArguments): string {
  return fill(runtime, text, { args, automatic: 0 }, MAX_FIELD_DEPTH);
}

/** Python's `str.format_map`: `format` with the entries of a dictionary. */
export function formatMap(runtime: Runtime, text: string, args: CallArguments): string {
  const [mapping = null] = args.bind('format_map', ['mapping'], 1);
  if (!(mapping instanceof Dict)) {
    throw new TemplateRuntimeError('TypeError', `'${typeName(mapping)}' object is not a mapping`);
  }
  const named = new Map<string, Value>();
  for (const [key, value] of mapping.entries()) if (typeof key === 'string') named.set(key, value);
  return formatText(runtime, text, new CallArguments([], named));
}

function fill(runtime: Runtime, text: string, source: Source, depth: number): string {
  if (depth < 1) throw new TemplateRuntimeError('ValueError', 'Max string recursion exceeded');
  let result = '';
  let index = 0;
  while (index < text.length) {
    runtime.budget.step();
    const brace = nextBrace(text, index);
    result = runtime.budget.join(result, text.slice(index, brace));
    if (brace === text.length) break;
    if (text[brace + 1] === text[brace]) {
      result = runtime.budget.join(result, text[brace] ?? '');
      index = brace + 2;
      continue;
    }
    if (text[brace] === '}') throw new TemplateRuntimeError('ValueError', "Single '}' encountered in format string");
    const end = closingBrace(text, brace);
    result = runtime.budget.join(result, field(runtime, text.slice(brace + 1, end), source, depth));
    index = end + 1;
  }
  return result;
}

function nextBrace(text: string, start: number): number {
  for (let index = start; index < text.length; index++) if (text[index] === '{' || text[index] === '}') return index;
  return text.length;
}

function closingBrace(text: string, open: number): number {
  let depth = 0;
  for (let index = open; index < text.length; index++) {
    if (text[index] === '{') depth += 1;
    else if (text[index] === '}') depth -= 1;
    if (depth === 0) return index;
  }
  throw new TemplateRuntimeError('ValueError', "expected '}' before end of string");
}

function field(runtime: Runtime, content: string, source: Source, depth: number): string {
  const match = /^((?:[^[\]!:]|\[[^\]]*\])*)(?:!([^:]*))?(?::([\s\S]*))?$/.exec(content);
  if (match === null) throw new TemplateRuntimeError('ValueError', `invalid replacement field '{${content}}'`);
  const [, path = '', conversion, spec = ''] = match;
  const value = lookUp(runtime, path, source);
  const filledSpec = spec.includes('{') ? fill(runtime, spec, source, depth - 1) : spec;
  return formatValue(runtime, converted(runtime, value, conversion), filledSpec);
}

function converted(runtime: Runtime, value: Value, conversion: string | undefined): Value {
  if (conversion === undefined) return value;
  if (conversion === 's') return toText(runtime, value);
  if (conversion === 'r' || conversion === 'a') return represent(runtime, value);
  throw new TemplateRuntimeError('ValueError', `Unknown conversion specifier '${conversion}'`);
}

function lookUp(runtime: Runtime, path: string, source: Source): Value {
  const first = /^[^.[]*/.exec(path)?.[0] ?? '';
  let value = argument(first, source);
  for (const part of path.slice(first.length).matchAll(/\.([^.[]*)|\[([^\]]*)\]/g)) {
    runtime.budget.step();
    const [, attribute, key = ''] = part;
    if (attribute !== undefined) value = runtime.getAttribute(value, attribute);
    else value = runtime.getItem(value, /^\d+$/.test(key) ? Number(key) : key);
  }
  return value;
}

function argument(name: string, source: Source): Value {
  if (name !== '' && !/^\d+$/.test(name)) {
    const value = source.args.named.get(name);
    if (value === undefined) throw new TemplateRuntimeError('KeyError', `'${name}'`);
    return value;
  }
  let index = Number(name);
  if (name === '') {
    if (source.automatic === undefined) throw mixedNumbering();
    index = source.automatic;
    source.automatic += 1;
  } else if ((source.automatic ?? 0) > 0) throw mixedNumbering();
  else source.automatic = undefined;
  const value = source.args.positional[index];
  if (value !== undefined) return value;
  throw new TemplateRuntimeError('IndexError', `Replacement index ${index} out of range for positional args tuple`);
}

function mixedNumbering(): TemplateRuntimeError {
  return new TemplateRuntimeError('ValueError', 'cannot switch between manual and automatic field numbering');
}
