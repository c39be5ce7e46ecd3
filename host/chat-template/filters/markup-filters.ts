import { SLOW_CHARACTER_COST } from '../budget.ts';
import { TemplateRuntimeError } from '../errors.ts';
import { toText } from '../text/represent.ts';
import { collapseWhitespace } from '../text/whitespace.ts';
import { escaped } from '../values/arithmetic.ts';
import type { CallArguments } from '../values/call-arguments.ts';
import { Dict } from '../values/dict.ts';
import { escapeHtml, Markup, textOf } from '../values/markup.ts';
import { Sequence } from '../values/sequences.ts';
import { elements, isTrue, tryIterate, typeName } from '../values/truth.ts';
import { defined, Undefined } from '../values/undefined.ts';
import type { FilterFunction, Runtime, Value } from '../values/value.ts';

/** Characters that are not allowed in the name of an HTML attribute. */
const NOT_IN_ATTRIBUTE_NAME = /[\s/>=]/;

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['nbsp', '\u00a0'],
]);

function escapeFilter(runtime: Runtime, input: Value): Value {
  return new Markup(escaped(runtime, input));
}

function forceEscape(runtime: Runtime, input: Value): Value {
  return escapeFilter(runtime, toText(runtime, input));
}

function stripTags(runtime: Runtime, input: Value): Value {
  const text = toText(runtime, input);
  runtime.budget.charge(text.length * SLOW_CHARACTER_COST);
  const withoutComments = removeBetween(text, '<!--', '-->');
  const plain = collapseWhitespace(removeBetween(withoutComments, '<', '>'));
  return plain.replace(/&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([a-z]+));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES.get(name) ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
  });
}

/** Removes the delimiters and the text between them. Text after an unclosed delimiter is kept. */
function removeBetween(text: string, open: string, close: string): string {
  const pieces: string[] = [];
  let position = 0;
  for (;;) {
    const start = text.indexOf(open, position);
    const end = start === -1 ? -1 : text.indexOf(close, start);
    if (end === -1) break;
    pieces.push(text.slice(position, start));
    position = end + close.length;
  }
  pieces.push(text.slice(position));
  return pieces.join('');
}

function xmlAttributes(runtime: Runtime, input: Value, args: CallArguments): Value {
  const [autoSpace = true] = args.bind('xmlattr', ['autospace']);
  if (!(input instanceof Dict)) {
    defined(input);
    throw new TemplateRuntimeError('AttributeError', `'${typeName(input)}' object has no attribute 'items'`);
  }
  const attributes: string[] = [];
  for (const [key, value] of input.entries()) {
    if (value === null || value instanceof Undefined) continue;
    const name = textOf(key);
    if (name === undefined || NOT_IN_ATTRIBUTE_NAME.test(name)) {
      throw new TemplateRuntimeError('ValueError', 'Invalid character in attribute name');
    }
    attributes.push(`${escapeHtml(name)}="${escaped(runtime, value)}"`);
  }
  const text = (isTrue(autoSpace) && attributes.length > 0 ? ' ' : '') + attributes.join(' ');
  runtime.budget.charge(text.length);
  return runtime.autoescape ? new Markup(text) : text;
}

function urlEncode(runtime: Runtime, input: Value): Value {
  if (textOf(input) !== undefined || tryIterate(runtime, input) === undefined) return quoteUrl(runtime, input, '/');
  const pairs: string[] = [];
  const entries = input instanceof Dict ? input.entries() : pairsOf(runtime, input);
  for (const [key, value] of entries) {
    const encode = (part: Value) => quoteUrl(runtime, part, '').replaceAll('%20', '+');
    pairs.push(`${encode(key)}=${encode(value)}`);
  }
  return pairs.join('&');
}

function* pairsOf(runtime: Runtime, value: Value): Generator<readonly [Value, Value]> {
  for (const item of elements(runtime, value)) {
    const [key, entry] = item instanceof Sequence ? item.items : [];
    if (key === undefined || entry === undefined) {
      throw new TemplateRuntimeError('ValueError', 'not enough values to unpack (expected 2)');
    }
    yield [key, entry];
  }
}

function quoteUrl(runtime: Runtime, value: Value, safe: string): string {
  const text = toText(runtime, value);
  runtime.budget.charge(text.length * SLOW_CHARACTER_COST);
  if (!text.isWellFormed()) throw new TemplateRuntimeError('ValueError', 'surrogates not allowed');
  const quoted = encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return safe === '/' ? quoted.replaceAll('%2F', '/') : quoted;
}

/** Filters for HTML and URLs. */
export const markupFilters: Readonly<Record<string, FilterFunction>> = {
  e: escapeFilter,
  escape: escapeFilter,
  forceescape: forceEscape,
  striptags: stripTags,
  xmlattr: xmlAttributes,
  urlencode: urlEncode,
};
