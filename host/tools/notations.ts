import type { JsonValue } from '../common/json.ts';
import { and, EMPTY, type Expression, maybe, oneOf, repeat, sequence, text } from '../grammar/expression.ts';
import { lengthLanguage, notContaining } from '../grammar/pattern.ts';
import { regularRules } from '../grammar/regular.ts';
import { JSON_NOTATION, type Notation, spaced } from '../json-schema/notation.ts';

/** A name that the schema does not declare. */
const NAME = repeat(oneOf([0x30, 0x39], [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]), 1, 64);

/** How arguments of a call are written between tags. */
export interface TagStyle {
  /** Before the name of an argument. */
  readonly open: string;
  /** Between name and value: before a text, and before any other value. */
  readonly middle: string;
  readonly otherMiddle?: string;
  readonly close: string;
  /** Between arguments. */
  readonly between: Expression;
}

/** Arguments between tags: strings unquoted, all other values as JSON. */
export function tagNotation({ open, middle, otherMiddle = middle, close, between }: TagStyle): Notation {
  const other = (written: Expression) => sequence(text(otherMiddle), written, text(close));
  const string = (language: Expression) =>
    sequence(text(middle), regularRules(and(notContaining(close.trim()), language)), text(close));
  const values: Notation = {
    ...JSON_NOTATION,
    name: 'tag-value',
    inside: JSON_NOTATION,
    string: (language = lengthLanguage()) => string(language),
    stringOfLength: (min, max) => string(lengthLanguage(min, max)),
    number: other,
    value: (value) =>
      typeof value === 'string' ? sequence(text(middle + value), text(close)) : other(JSON_NOTATION.value(value)),
    object: (members) => other(JSON_NOTATION.object(members)),
    array: (items) => other(JSON_NOTATION.array(items)),
  };
  return {
    ...JSON_NOTATION,
    name: 'tags',
    inside: values,
    member: (name, value) => sequence(text(open + name), value),
    memberIn: (_, value) => sequence(text(open), NAME, value),
    comma: between,
    object: (members) => members,
  };
}

/** The name of the element of an item of an array. */
export const ITEM = 'item';

/**
 * Arguments as elements that are named for them: members of objects and items of arrays are elements inside, texts are
 * written as they are, all other values as JSON.
 *
 * @param mark Stands before each tag, so that texts may contain tags.
 */
export function elementNotation(mark: string): Notation {
  const element = (name: string, value: Expression) =>
    sequence(text(`${mark}<${name}>`), value, text(`${mark}</${name}>`));
  const string = (language: Expression) => regularRules(and(notContaining(`${mark}<`), language));
  const write = (value: JsonValue): string => {
    if (typeof value === 'string') return value;
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    const members = Array.isArray(value) ? value.map((item) => [ITEM, item] as const) : Object.entries(value);
    return members.map(([name, entry]) => `${mark}<${name}>${write(entry ?? null)}${mark}</${name}>`).join('');
  };
  const inside: Notation = {
    name: 'elements',
    number: (written) => written,
    string: (language = lengthLanguage()) => string(language),
    stringOfLength: (min, max) => string(lengthLanguage(min, max)),
    value: (value) => text(write(value)),
    member: element,
    // The grammar cannot require that the closing name equals the opening one, so only the opening one counts.
    memberIn: (_, value) => sequence(text(`${mark}<`), NAME, text('>'), value, text(`${mark}</`), NAME, text('>')),
    item: (value) => element(ITEM, value),
    comma: EMPTY,
    object: (members) => members,
    array: (items) => items,
  };
  return { ...inside, name: 'arguments', inside, comma: WIDE_GAP };
}

/** Gemma's notation: names without quotes, texts between markers, no white space. */
export function gemmaNotation(quote: string): Notation {
  const string = (language: Expression) =>
    sequence(text(quote), regularRules(and(notContaining(quote), language)), text(quote));
  const write = (value: JsonValue): string => {
    if (typeof value === 'string') return `${quote}${value}${quote}`;
    if (Array.isArray(value)) return `[${value.map(write).join()}]`;
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    return `{${Object.entries(value).map(([name, entry]) => `${name}:${write(entry ?? null)}`)}}`;
  };
  return {
    name: 'gemma',
    isSorted: true,
    number: (written) => written,
    string: (language = lengthLanguage()) => string(language),
    stringOfLength: (min, max) => string(lengthLanguage(min, max)),
    value: (value) => text(write(value)),
    member: (name, value) => sequence(text(`${name}:`), value),
    memberIn: (_, value) => sequence(NAME, text(':'), value),
    comma: text(','),
    object: (members) => sequence(text('{'), members, text('}')),
    array: (items) => sequence(text('['), items, text(']')),
  };
}

/** Values as Python writes them. */
const PYTHON_VALUES: Notation = {
  ...JSON_NOTATION,
  name: 'python-value',
  value: (value) => text(writePython(value)),
};

/** Arguments of a call as in Python. */
export const PYTHON_NOTATION: Notation = {
  ...PYTHON_VALUES,
  name: 'python',
  inside: PYTHON_VALUES,
  member: (name, value) => sequence(text(name), text('='), value),
  memberIn: (_, value) => sequence(repeat(oneOf([0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]), 1, 64), text('='), value),
  comma: sequence(text(','), maybe(text(' '))),
  object: (members) => sequence(text('('), spaced(members), text(')')),
};

/** Writes a value as Python does, except that texts are in double quotes, as in JSON. */
export function writePython(value: JsonValue): string {
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (value === null) return 'None';
  if (Array.isArray(value)) return `[${value.map(writePython).join(', ')}]`;
  if (typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([name, entry]) => `${JSON.stringify(name)}: ${writePython(entry ?? null)}`,
  );
  return `{${members.join(', ')}}`;
}

/** Optional line breaks and spaces. Only a few, since a model could otherwise write them endlessly. */
export const WIDE_GAP: Expression = repeat(oneOf([0x9, 0xa], [0x20, 0x20]), 0, 8);
