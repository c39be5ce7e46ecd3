import type { JsonValue } from '../common/json.ts';
import { common, complement, type Range } from '../grammar/code-points.ts';
import { isNullable } from '../grammar/derive.ts';
import {
  choice,
  EMPTY,
  type Expression,
  maybe,
  NOTHING,
  noneOf,
  oneOf,
  repeat,
  rule,
  sequence,
  text,
} from '../grammar/expression.ts';
import { regularRules } from '../grammar/regular.ts';

/** A notation for values: JSON, or the notation of a model. */
export interface Notation {
  /** Unique name. */
  readonly name: string;
  /** The notation of values in objects and arrays. Default: this one. */
  readonly inside?: Notation;
  /** Whether the members of an object are sorted by name. */
  readonly isSorted?: boolean;
  /** @param written The number as JSON. */
  number(written: Expression): Expression;
  /** A string, in a regular language if given. */
  string(language?: Expression): Expression;
  /** A string with a length in bounds, in code points. */
  stringOfLength(min: number, max: number | undefined): Expression;
  value(value: JsonValue): Expression;
  /** A member of an object. */
  member(name: string, value: Expression): Expression;
  /** A member whose name is in a regular language. */
  memberIn(names: Expression, value: Expression): Expression;
  /** How an item of an array is written, if it has more than its value. */
  item?(value: Expression): Expression;
  readonly comma: Expression;
  object(members: Expression): Expression;
  array(items: Expression): Expression;
}

const HEX = oneOf([0x30, 0x39], [0x41, 0x46], [0x61, 0x66]);
/** White space between the parts of a value. It is limited, because a model may otherwise write it without end. */
export const SPACE = rule(
  'space',
  choice(EMPTY, text(' '), sequence(text('\n'), repeat(oneOf([0x20, 0x20], [0x9, 0x9]), 0, 20))),
);

/** A character of a JSON string. Escapes of surrogates are excluded. */
const STRING_CHARACTER = rule(
  'character',
  choice(
    oneOf(...common(complement([[0x0, 0x1f]]), (noneOf('"\\') as { ranges: readonly Range[] }).ranges)),
    sequence(
      text('\\'),
      choice(
        ...[...'"\\/bfnrt'].map((character) => text(character)),
        sequence(
          text('u'),
          choice(
            sequence(oneOf([0x30, 0x39], [0x41, 0x43], [0x45, 0x46], [0x61, 0x63], [0x65, 0x66]), HEX),
            sequence(oneOf([0x44, 0x44], [0x64, 0x64]), oneOf([0x30, 0x37])),
          ),
          HEX,
          HEX,
        ),
      ),
    ),
  ),
);
const QUOTE = text('"');
const STRING = rule('string', sequence(QUOTE, repeat(STRING_CHARACTER), QUOTE));
const COLON = sequence(SPACE, text(':'), SPACE);

/** Characters that must be escaped in a JSON string. */
const ESCAPED: readonly Range[] = [
  [0x0, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
];

/** Returns the language of the characters in the ranges as they are written in a JSON string. */
export function jsonCharacters(ranges: readonly Range[]): Expression {
  const plain = common(ranges, complement(ESCAPED));
  const escapes: Expression[] = [];
  for (const [first, last] of common(ranges, ESCAPED)) {
    for (let code = first; code <= last; code++) {
      escapes.push(text(JSON.stringify(String.fromCharCode(code)).slice(1, -1)));
    }
  }
  return choice(plain.length === 0 ? NOTHING : oneOf(...plain), ...escapes);
}

export function spaced(parts: Expression): Expression {
  if (parts === EMPTY) return EMPTY;
  return isNullable(parts) ? maybe(sequence(parts, SPACE)) : sequence(parts, SPACE);
}

/** JSON (RFC 8259). */
export const JSON_NOTATION: Notation = {
  name: 'json',
  number: (written) => written,
  string: (language) =>
    language === undefined ? STRING : sequence(QUOTE, regularRules(language, jsonCharacters), QUOTE),
  stringOfLength: (min, max) => sequence(QUOTE, repeat(STRING_CHARACTER, min, max), QUOTE),
  value: (value) => text(JSON.stringify(value)),
  member: (name, value) => sequence(text(JSON.stringify(name)), COLON, value),
  memberIn: (names, value) => sequence(QUOTE, regularRules(names, jsonCharacters), QUOTE, COLON, value),
  comma: sequence(SPACE, text(','), SPACE),
  object: (members) => sequence(text('{'), SPACE, spaced(members), text('}')),
  array: (items) => sequence(text('['), SPACE, spaced(items), text(']')),
};
