import { PIECE_COST, SLOW_CHARACTER_COST } from '../budget.ts';
import { TemplateRuntimeError } from '../errors.ts';
import { expectInteger, expectText } from '../text/arguments.ts';
import { characterCount, sliceCharacters } from '../text/code-points.ts';
import { formatPercent } from '../text/percent-format.ts';
import { toText } from '../text/represent.ts';
import { replaceText, splitBy, strip } from '../text/split-methods.ts';
import { splitLines, WHITESPACE } from '../text/whitespace.ts';
import { wrapText } from '../text/wrap.ts';
import { binary } from '../values/arithmetic.ts';
import { CallArguments } from '../values/call-arguments.ts';
import { Dict } from '../values/dict.ts';
import { Markup, markedLike, textOf } from '../values/markup.ts';
import { Tuple } from '../values/sequences.ts';
import { stringMethod } from '../values/string-methods.ts';
import { isTrue, sizeOf, typeName } from '../values/truth.ts';
import { defined } from '../values/undefined.ts';
import type { FilterFunction, Runtime, Value } from '../values/value.ts';

/** Matches a word for the filter `title`. */
const WORD = new RegExp(`[^-${WHITESPACE}({\\[<]+`, 'gu');

/** Converts a value to a string, as Jinja's `soft_str` does: `Markup` is returned unchanged. */
export function softText(runtime: Runtime, value: Value): Value {
  return textOf(value) === undefined ? toText(runtime, value) : value;
}

/** Returns a filter that calls a string method. */
function method(name: string): FilterFunction {
  return (runtime, input, args) => {
    const value = softText(runtime, input);
    return stringMethod(value, textOf(value) ?? '', name)?.invoke(runtime, args) ?? value;
  };
}

function center(runtime: Runtime, input: Value, args: CallArguments): Value {
  const [width = 80] = args.bind('center', ['width']);
  return method('center')(runtime, input, new CallArguments([width]));
}

function title(runtime: Runtime, input: Value): Value {
  const text = toText(runtime, input);
  runtime.budget.charge(text.length * SLOW_CHARACTER_COST);
  return text.replace(WORD, (word) => {
    const first = String.fromCodePoint(word.codePointAt(0) ?? 0);
    return first.toUpperCase() + word.slice(first.length).toLowerCase();
  });
}

function trim(runtime: Runtime, input: Value, args: CallArguments): Value {
  const [chars = null] = args.bind('trim', ['chars']);
  const value = softText(runtime, input);
  const text = textOf(value) ?? '';
  runtime.budget.charge(text.length);
  return markedLike(value, strip(text, chars === null ? undefined : expectText('trim', chars), 'both'));
}

function replace(runtime: Runtime, input: Value, args: CallArguments): Value {
  const [old = null, replacement = null, count = null] = args.bind('replace', ['old', 'new', 'count'], 2);
  const text = toText(runtime, input);
  runtime.budget.charge(text.length);
  const times = count === null ? -1 : expectInteger('replace', count);
  return replaceText(runtime, text, toText(runtime, old), toText(runtime, replacement), times);
}

function format(runtime: Runtime, input: Value, args: CallArguments): Value {
  if (args.named.size > 0 && args.positional.length > 0) {
    throw new TemplateRuntimeError(
      'FilterArgumentError',
      "can't handle positional and keyword arguments at the same time",
    );
  }
  const values = args.named.size > 0 ? Dict.ofTexts(args.named) : new Tuple(args.positional);
  return formatPercent(runtime, softText(runtime, input), values);
}

function indent(runtime: Runtime, input: Value, args: CallArguments): Value {
  const [width = 4, first = false, blank = false] = args.bind('indent', ['width', 'first', 'blank']);
  const indentation = textOf(width) ?? ' '.repeat(Math.max(0, checkedWidth(runtime, width)));
  const text = textOf(binary(runtime, '+', input, '\n'));
  if (text === undefined)
    throw new TemplateRuntimeError('TypeError', `indent: expected a string, got ${typeName(input)}`);
  runtime.budget.charge(text.length * 4);
  const lines = splitLines(text);
  runtime.budget.charge(lines.length * (indentation.length + PIECE_COST));
  const everyLine = isTrue(blank);
  const indented = lines.map((line, index) => (index > 0 && (everyLine || line !== '') ? indentation + line : line));
  return markedLike(input, (isTrue(first) ? indentation : '') + indented.join('\n'));
}

function checkedWidth(runtime: Runtime, width: Value): number {
  const spaces = expectInteger('indent', width);
  runtime.budget.charge(Math.max(0, spaces));
  return spaces;
}

function truncate(runtime: Runtime, input: Value, args: CallArguments): Value {
  const [length = 255, killWords = false, end = '...', leeway = null] = args.bind('truncate', [
    'length',
    'killwords',
    'end',
    'leeway',
  ]);
  const ending = toText(runtime, end);
  const endLength = characterCount(ending);
  const maxLength = expectInteger('truncate', length);
  const tolerance = leeway === null ? 5 : expectInteger('truncate', leeway);
  if (maxLength < endLength) {
    throw new TemplateRuntimeError('AssertionError', `expected length >= ${endLength}, got ${maxLength}`);
  }
  if (tolerance < 0) throw new TemplateRuntimeError('AssertionError', `expected leeway >= 0, got ${tolerance}`);
  const size = sizeOf(runtime, input);
  if (size === undefined) throw noLength(input);
  if (size <= maxLength + tolerance) return input;
  const text = textOf(input);
  if (text === undefined)
    throw new TemplateRuntimeError('TypeError', `truncate: expected a string, got ${typeName(input)}`);
  const kept = sliceCharacters(text, 0, maxLength - endLength);
  const cut = isTrue(killWords) ? kept : (splitBy(runtime, kept, ' ', 1, true)[0] ?? '');
  return markedLike(input, cut + ending);
}

/** Returns the error for `len` of a value that has no length. */
export function noLength(value: Value): TemplateRuntimeError {
  return new TemplateRuntimeError('TypeError', `object of type '${typeName(value)}' has no len()`);
}

function wordCount(runtime: Runtime, input: Value): Value {
  const text = toText(runtime, input);
  runtime.budget.charge(text.length * SLOW_CHARACTER_COST);
  return text.match(/[\p{L}\p{N}_]+/gu)?.length ?? 0;
}

function wordWrap(runtime: Runtime, input: Value, args: CallArguments): Value {
  const [width = 79, breakLongWords = true, wrapString = null, breakOnHyphens = true] = args.bind('wordwrap', [
    'width',
    'break_long_words',
    'wrapstring',
    'break_on_hyphens',
  ]);
  const text = textOf(defined(input));
  if (text === undefined)
    throw new TemplateRuntimeError('TypeError', `wordwrap: expected a string, got ${typeName(input)}`);
  const separator = wrapString === null ? '\n' : toText(runtime, wrapString);
  const options = {
    width: expectInteger('wordwrap', width),
    breakLongWords: isTrue(breakLongWords),
    breakOnHyphens: isTrue(breakOnHyphens),
  };
  runtime.budget.charge(text.length * SLOW_CHARACTER_COST * 2);
  const lines = splitLines(text).map((line) => wrapText(line, options));
  const wrapped = lines.flatMap((pieces) => (pieces.length === 0 ? [''] : pieces));
  runtime.budget.charge(wrapped.length * separator.length);
  return wrapped.join(separator);
}

function string(runtime: Runtime, input: Value): Value {
  return softText(runtime, input);
}

/** Filters that convert strings. */
export const textFilters: Readonly<Record<string, FilterFunction>> = {
  upper: method('upper'),
  lower: method('lower'),
  capitalize: method('capitalize'),
  center,
  title,
  trim,
  replace,
  format,
  indent,
  truncate,
  wordcount: wordCount,
  wordwrap: wordWrap,
  string,
  safe: (runtime, input) => new Markup(toText(runtime, input)),
};
