import { PIECE_COST, SLOW_CHARACTER_COST } from '../budget.ts';
import { TemplateRuntimeError } from '../errors.ts';
import type { CallArguments } from '../values/call-arguments.ts';
import { textOf } from '../values/markup.ts';
import { List, Tuple } from '../values/sequences.ts';
import { elements, isTrue, typeName } from '../values/truth.ts';
import type { Runtime, Value } from '../values/value.ts';
import { expectInteger, expectText, type StringMethod } from './arguments.ts';
import { isWhitespaceAt, splitLines, trimEndWhitespace, trimStartWhitespace } from './whitespace.ts';

/** Removes the characters in `chars`, or whitespace, from the ends of a text. */
export function strip(text: string, chars: string | undefined, ends: 'both' | 'left' | 'right'): string {
  if (chars === undefined) {
    const trimmed = ends === 'left' ? text : trimEndWhitespace(text);
    return ends === 'right' ? trimmed : trimStartWhitespace(trimmed);
  }
  const removed = new Set(chars);
  let [start, end] = [0, text.length];
  while (ends !== 'right' && start < end) {
    const character = String.fromCodePoint(text.codePointAt(start) ?? 0);
    if (!removed.has(character)) break;
    start += character.length;
  }
  while (ends !== 'left' && end > start) {
    const pair = text.slice(Math.max(start, end - 2), end);
    const character = pair.length === 2 && (pair.codePointAt(0) ?? 0) > 0xffff ? pair : pair.slice(-1);
    if (!removed.has(character)) break;
    end -= character.length;
  }
  return text.slice(start, end);
}

function stripping(name: string, ends: 'both' | 'left' | 'right'): StringMethod {
  return (_runtime, text, args) => {
    const [chars = null] = args.bind(name, ['chars']);
    return strip(text, chars === null ? undefined : expectText(name, chars), ends);
  };
}

function splitting(name: string, fromEnd: boolean): StringMethod {
  return (runtime, text, args) => {
    const [separator = null, maximum = -1] = args.bind(name, ['sep', 'maxsplit']);
    const limit = expectInteger(name, maximum);
    const maxSplits = limit < 0 ? Number.POSITIVE_INFINITY : limit;
    if (separator === null) return new List(splitWords(runtime, text, maxSplits, fromEnd));
    const by = expectText(name, separator);
    if (by === '') throw new TemplateRuntimeError('ValueError', 'empty separator');
    return new List(splitBy(runtime, text, by, maxSplits, fromEnd));
  };
}

/** Splits at a separator, at most `maxSplits` times, starting at the end if `fromEnd`. */
export function splitBy(runtime: Runtime, text: string, by: string, maxSplits: number, fromEnd: boolean): string[] {
  const pieces: string[] = [];
  let [start, end] = [0, text.length];
  while (pieces.length < maxSplits) {
    // `lastIndexOf` takes the latest start of a match, not its end.
    const index = fromEnd ? (end < by.length ? -1 : text.lastIndexOf(by, end - by.length)) : text.indexOf(by, start);
    if (index === -1) break;
    runtime.budget.charge(PIECE_COST);
    if (fromEnd) {
      pieces.push(text.slice(index + by.length, end));
      end = index;
    } else {
      pieces.push(text.slice(start, index));
      start = index + by.length;
    }
  }
  pieces.push(text.slice(start, end));
  return fromEnd ? pieces.reverse() : pieces;
}

/** Splits at runs of whitespace, at most `maxSplits` times. Strips leading or trailing whitespace as Python does. */
function splitWords(runtime: Runtime, text: string, maxSplits: number, fromEnd: boolean): string[] {
  const pieces: string[] = [];
  let rest = fromEnd ? trimEndWhitespace(text) : trimStartWhitespace(text);
  while (rest !== '' && pieces.length < maxSplits) {
    runtime.budget.charge(PIECE_COST);
    const index = fromEnd ? lastSpace(rest) : firstSpace(rest);
    if (index === -1) break;
    pieces.push(fromEnd ? rest.slice(index + 1) : rest.slice(0, index));
    rest = fromEnd ? trimEndWhitespace(rest.slice(0, index)) : trimStartWhitespace(rest.slice(index + 1));
  }
  if (rest !== '') pieces.push(rest);
  return fromEnd ? pieces.reverse() : pieces;
}

function firstSpace(text: string): number {
  for (let index = 0; index < text.length; index++) if (isWhitespaceAt(text, index)) return index;
  return -1;
}

function lastSpace(text: string): number {
  for (let index = text.length - 1; index >= 0; index--) if (isWhitespaceAt(text, index)) return index;
  return -1;
}

function partition(name: string, last: boolean): StringMethod {
  return (_runtime, text, args) => {
    const [separator] = args.bind(name, ['sep'], 1);
    const by = expectText(name, separator);
    if (by === '') throw new TemplateRuntimeError('ValueError', 'empty separator');
    const index = last ? text.lastIndexOf(by) : text.indexOf(by);
    if (index === -1) return new Tuple(last ? ['', '', text] : [text, '', '']);
    return new Tuple([text.slice(0, index), by, text.slice(index + by.length)]);
  };
}

/** Replaces all occurrences of `old`, or the first `count` if it is not negative. */
export function replaceText(runtime: Runtime, text: string, old: string, replacement: string, count: number): string {
  if (count === 0 || (old === '' && text === '')) return old === '' && count !== 0 ? replacement : text;
  const maxCount = count < 0 ? Number.POSITIVE_INFINITY : count;
  if (old === '') return replaceEmpty(runtime, text, replacement, maxCount);
  const pieces = splitBy(runtime, text, old, maxCount, false);
  if (pieces.length === 1) return text;
  runtime.budget.charge(text.length + (pieces.length - 1) * replacement.length);
  return pieces.join(replacement);
}

/** Replaces the empty string, which occurs before every character and at the end. */
function replaceEmpty(runtime: Runtime, text: string, replacement: string, maxCount: number): string {
  runtime.budget.charge(text.length * SLOW_CHARACTER_COST);
  const all = [...text];
  runtime.budget.charge(Math.min(maxCount, all.length + 1) * replacement.length);
  const changed = all.map((character, index) => (index < maxCount ? replacement + character : character)).join('');
  return maxCount > all.length ? changed + replacement : changed;
}

function replace(runtime: Runtime, text: string, args: CallArguments): string {
  const [old, replacement, count = -1] = args.bind('replace', ['old', 'new', 'count'], 2);
  return replaceText(
    runtime,
    text,
    expectText('replace', old),
    expectText('replace', replacement),
    expectInteger('replace', count),
  );
}

/** Python's `str.join`. @throws TemplateRuntimeError for an element that is not a string. */
function join(runtime: Runtime, text: string, args: CallArguments): string {
  const [iterable = null] = args.bind('join', ['iterable'], 1);
  const pieces: string[] = [];
  for (const item of elements(runtime, iterable)) {
    const piece = textOf(item);
    if (piece === undefined) {
      const problem = `sequence item ${pieces.length}: expected str instance, ${typeName(item)} found`;
      throw new TemplateRuntimeError('TypeError', problem);
    }
    runtime.budget.charge(piece.length + text.length + PIECE_COST);
    pieces.push(piece);
  }
  return pieces.join(text);
}

function removePrefix(_runtime: Runtime, text: string, args: CallArguments): Value {
  const prefix = expectText('removeprefix', args.bind('removeprefix', ['prefix'], 1)[0]);
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}

function removeSuffix(_runtime: Runtime, text: string, args: CallArguments): Value {
  const suffix = expectText('removesuffix', args.bind('removesuffix', ['suffix'], 1)[0]);
  return suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
}

/** String methods that strip, split, replace and join. */
export const splitMethods = {
  strip: stripping('strip', 'both'),
  lstrip: stripping('lstrip', 'left'),
  rstrip: stripping('rstrip', 'right'),
  split: splitting('split', false),
  rsplit: splitting('rsplit', true),
  splitlines: (runtime, text, args) => {
    const [keepEnds = false] = args.bind('splitlines', ['keepends']);
    runtime.budget.charge(text.length * SLOW_CHARACTER_COST);
    return new List(splitLines(text, isTrue(keepEnds)));
  },
  partition: partition('partition', false),
  rpartition: partition('rpartition', true),
  replace,
  join,
  removeprefix: removePrefix,
  removesuffix: removeSuffix,
} satisfies Record<string, StringMethod>;
