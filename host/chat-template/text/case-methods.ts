import { SLOW_CHARACTER_COST } from '../budget.ts';
import { TemplateRuntimeError } from '../errors.ts';
import type { CallArguments } from '../values/call-arguments.ts';
import { Dict } from '../values/dict.ts';
import { toIndex } from '../values/integers.ts';
import { textOf } from '../values/markup.ts';
import { typeName } from '../values/truth.ts';
import type { Runtime } from '../values/value.ts';
import { expectText, type StringMethod } from './arguments.ts';

const CASED = /[\p{Uppercase}\p{Lowercase}\p{Lt}]/u;

/** Digraph characters and their titlecase forms. */
const TITLE_FORMS: Readonly<Record<string, string>> = {
  Ǆ: 'ǅ',
  ǅ: 'ǅ',
  ǆ: 'ǅ',
  Ǉ: 'ǈ',
  ǈ: 'ǈ',
  ǉ: 'ǈ',
  Ǌ: 'ǋ',
  ǋ: 'ǋ',
  ǌ: 'ǋ',
  Ǳ: 'ǲ',
  ǲ: 'ǲ',
  ǳ: 'ǲ',
};

/** Python's `str.capitalize`: the first character in title case, the others in lower case. */
export function capitalize(text: string): string {
  const first = text.codePointAt(0);
  if (first === undefined) return '';
  const character = String.fromCodePoint(first);
  // The whole text is converted to lower case, because a sigma at the end of a word has a special form.
  return titleCase(character) + text.toLowerCase().slice(character.toLowerCase().length);
}

function titleCase(character: string): string {
  const form = TITLE_FORMS[character];
  if (form !== undefined) return form;
  const [first = '', ...rest] = character.toUpperCase();
  return first + rest.join('').toLowerCase();
}

/** Python's `str.title`: capitalizes every sequence of letters. */
function title(text: string): string {
  return text.replace(/[\p{Lu}\p{Ll}\p{Lt}]+/gu, capitalize);
}

function swapCase(text: string): string {
  return Array.from(text, (character) => {
    const upper = character.toUpperCase();
    return character === upper ? character.toLowerCase() : upper;
  }).join('');
}

/** Returns a method without arguments. @param cost Cost per character, see {@link SLOW_CHARACTER_COST}. */
function simple(change: (text: string) => string, cost = 4): StringMethod {
  return (runtime, text, args) => {
    args.bind('method', []);
    runtime.budget.charge(text.length * cost);
    return change(text);
  };
}

/** Returns the case-folded form of a character. */
function foldCase(character: string): string {
  return character === 'ı' ? character : character.toUpperCase().toLowerCase();
}

/** Python's `str.isupper`: whether the text has cased characters and all of them are upper case. */
export function isUpper(text: string): boolean {
  return CASED.test(text) && !/[\p{Lowercase}\p{Lt}]/u.test(text);
}

/** Python's `str.islower`. */
export function isLower(text: string): boolean {
  return CASED.test(text) && !/[\p{Uppercase}\p{Lt}]/u.test(text);
}

function translate(runtime: Runtime, text: string, args: CallArguments): string {
  const [table] = args.bind('translate', ['table'], 1);
  if (!(table instanceof Dict)) {
    throw new TemplateRuntimeError('TypeError', `'${typeName(table ?? null)}' object is not subscriptable`);
  }
  let result = '';
  for (const character of text) {
    runtime.budget.step();
    const replacement = table.get(runtime, character.codePointAt(0) ?? 0);
    if (replacement === null) continue;
    const code = toIndex(replacement);
    const piece = textOf(replacement) ?? (code === undefined ? character : String.fromCodePoint(code));
    result = runtime.budget.join(result, piece);
  }
  return result;
}

/** Python's `str.maketrans`: a table of replacements from a dictionary, or from two strings of equal length. */
function makeTranslation(runtime: Runtime, args: CallArguments): Dict {
  const [from, to, removed] = args.bind('maketrans', ['x', 'y', 'z'], 1);
  const table = new Dict();
  if (from instanceof Dict) {
    for (const [key, value] of from.entries()) {
      table.set(runtime, textOf(key)?.codePointAt(0) ?? key, value);
    }
    return table;
  }
  const [sources, targets] = [[...expectText('maketrans', from)], [...expectText('maketrans', to)]];
  if (sources.length !== targets.length) {
    throw new TemplateRuntimeError('ValueError', 'the first two maketrans arguments must have equal length');
  }
  runtime.budget.chargeElements(sources.length * 20);
  for (const [index, source] of sources.entries()) {
    table.set(runtime, source.codePointAt(0) ?? 0, targets[index]?.codePointAt(0) ?? null);
  }
  for (const character of textOf(removed) ?? '') table.set(runtime, character.codePointAt(0) ?? 0, null);
  return table;
}

/** String methods that change case or replace characters. */
export const caseMethods = {
  upper: simple((text) => text.toUpperCase()),
  lower: simple((text) => text.toLowerCase()),
  casefold: simple((text) => Array.from(text, foldCase).join(''), SLOW_CHARACTER_COST),
  capitalize: simple(capitalize),
  title: simple(title, SLOW_CHARACTER_COST),
  swapcase: simple(swapCase, SLOW_CHARACTER_COST),
  translate,
  maketrans: (runtime, _text, args) => makeTranslation(runtime, args),
} satisfies Record<string, StringMethod>;
