import {
  and,
  choice,
  EMPTY,
  type Expression,
  maybe,
  NOTHING,
  oneOf,
  type Rule,
  ref,
  repeat,
  sequence,
  text,
} from '../grammar/expression.ts';

/** Most digits of a number: more would be rounded when it is read. */
const MAX_DIGITS = 15;

/** Integers beyond this are rounded when they are read. */
const LARGEST = Number.MAX_SAFE_INTEGER;

/** Largest divisor, without trailing zeros: the grammar has a rule for each remainder. */
const MAX_DIVISOR = 1_000;

/** What a number must be. */
export interface NumberRules {
  readonly isInteger: boolean;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly exclusiveMinimum?: number | undefined;
  readonly exclusiveMaximum?: number | undefined;
  readonly multiples: readonly number[];
}

const DIGIT = oneOf([0x30, 0x39]);
const DIGITS = repeat(DIGIT);
const NON_ZERO = oneOf([0x31, 0x39]);
const INTEGER = choice(text('0'), sequence(NON_ZERO, repeat(DIGIT, 0, MAX_DIGITS)));
const MINUS = maybe(text('-'));

/** Any integer of JSON. */
export const ANY_INTEGER = choice(text('0'), sequence(MINUS, NON_ZERO, repeat(DIGIT, 0, MAX_DIGITS - 1)));

/** Any number of JSON. */
export const ANY_NUMBER = sequence(
  MINUS,
  choice(text('0'), sequence(NON_ZERO, repeat(DIGIT, 0, MAX_DIGITS - 1))),
  maybe(sequence(text('.'), repeat(DIGIT, 1, MAX_DIGITS))),
  maybe(sequence(oneOf([0x45, 0x45], [0x65, 0x65]), maybe(oneOf([0x2b, 0x2b], [0x2d, 0x2d])), repeat(DIGIT, 1, 2))),
);

/**
 * Returns the regular language of the numbers that obey the rules, in decimal notation without exponent; undefined for
 * a divisor that would need too many rules.
 */
export function numberLanguage(rules: NumberRules): Expression | undefined {
  const bounds = [rules.minimum, rules.maximum, rules.exclusiveMinimum, rules.exclusiveMaximum].filter(
    (bound) => bound !== undefined,
  );
  const intDigits = Math.max(1, ...bounds.map((bound) => decimal(Math.min(Math.abs(bound), LARGEST)).int.length));
  // More digits would round to a number beyond the bound.
  const fraction = Math.max(1, MAX_DIGITS - intDigits);
  const form = sequence(
    MINUS,
    INTEGER,
    rules.isInteger ? EMPTY : maybe(sequence(text('.'), repeat(DIGIT, 1, bounds.length === 0 ? MAX_DIGITS : fraction))),
  );
  const multiples = rules.multiples.map(multiplesOf);
  if (multiples.includes(undefined)) return undefined;
  return and(
    form,
    atLeast(Math.max(rules.minimum ?? -LARGEST, -LARGEST), false),
    atMost(Math.min(rules.maximum ?? LARGEST, LARGEST), false),
    ...(rules.exclusiveMinimum === undefined ? [] : [atLeast(rules.exclusiveMinimum, true)]),
    ...(rules.exclusiveMaximum === undefined ? [] : [atMost(rules.exclusiveMaximum, true)]),
    ...multiples.filter((language) => language !== undefined),
  );
}

/** A number without its sign. */
interface Decimal {
  /** Without leading zeros. */
  readonly int: string;
  /** Without trailing zeros. */
  readonly fraction: string;
}

function decimal(value: number): Decimal {
  const [, whole = '0', part = '', exponent = '0'] = /^(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/.exec(String(value)) ?? [];
  const shift = Number(exponent);
  const digits = whole + part;
  const point = whole.length + shift;
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0');
  const at = Math.max(1, point);
  return {
    int: padded.slice(0, at).replace(/^0+(?=\d)/, ''),
    fraction: padded.slice(at).replace(/0+$/, ''),
  };
}

/** All decimal numbers from a bound on. */
function atLeast(bound: number, isExclusive: boolean): Expression {
  const number = decimal(Math.abs(bound));
  // Zero is written without a sign.
  if (bound >= 0) return notBelow(number, isExclusive);
  return choice(notBelow(decimal(0), false), sequence(text('-'), notAbove(number, isExclusive)));
}

function atMost(bound: number, isExclusive: boolean): Expression {
  const number = decimal(Math.abs(bound));
  if (bound < 0) return sequence(text('-'), notBelow(number, isExclusive));
  return choice(sequence(text('-'), notBelow(decimal(0), true)), notAbove(number, isExclusive));
}

/** What may follow an integer: nothing, or a fraction. */
const ANY_FRACTION = maybe(sequence(text('.'), DIGIT, DIGITS));

function notBelow({ int, fraction }: Decimal, isExclusive: boolean): Expression {
  const longer = sequence(NON_ZERO, repeat(DIGIT, int.length));
  const greater = choice(
    ...[...int].map((digit, index) => {
      const above = between(Number(digit) + 1, 9);
      return sequence(text(int.slice(0, index)), above, repeat(DIGIT, int.length - index - 1, int.length - index - 1));
    }),
  );
  const same = sequence(text(int), fractionFrom(fraction, isExclusive));
  return choice(sequence(choice(longer, greater), ANY_FRACTION), same);
}

function notAbove({ int, fraction }: Decimal, isExclusive: boolean): Expression {
  const shorter = int.length === 1 ? NOTHING : choice(text('0'), sequence(NON_ZERO, repeat(DIGIT, 0, int.length - 2)));
  const less = choice(
    ...[...int].map((digit, index) => {
      // No leading zero.
      const below = between(index === 0 && int.length > 1 ? 1 : 0, Number(digit) - 1);
      return sequence(text(int.slice(0, index)), below, repeat(DIGIT, int.length - index - 1, int.length - index - 1));
    }),
  );
  const same = sequence(text(int), fractionTo(fraction, isExclusive));
  return choice(sequence(choice(shorter, less), ANY_FRACTION), same);
}

/** Fractions, with their point, that are at least another one. */
function fractionFrom(digits: string, isExclusive: boolean): Expression {
  if (digits === '') {
    return isExclusive ? sequence(text('.'), repeat(text('0')), NON_ZERO, DIGITS) : ANY_FRACTION;
  }
  const options = [...digits].map((digit, index) =>
    sequence(text(digits.slice(0, index)), between(Number(digit) + 1, 9), DIGITS),
  );
  const same = sequence(text(digits), isExclusive ? sequence(repeat(text('0')), NON_ZERO, DIGITS) : DIGITS);
  return sequence(text('.'), choice(...options, same));
}

/** Fractions, with their point, that are at most another one; and none. */
function fractionTo(digits: string, isExclusive: boolean): Expression {
  const zeros = sequence(text('.'), text('0'), repeat(text('0')));
  if (digits === '') return isExclusive ? NOTHING : maybe(zeros);
  const options = [...digits].flatMap((digit, index) => [
    sequence(text(digits.slice(0, index)), between(0, Number(digit) - 1), DIGITS),
    // The same digits, but fewer of them.
    ...(index === 0 ? [] : [text(digits.slice(0, index))]),
  ]);
  const same = isExclusive ? [] : [sequence(text(digits), repeat(text('0')))];
  return maybe(sequence(text('.'), choice(...options, ...same)));
}

function between(first: number, last: number): Expression {
  return first > last ? NOTHING : oneOf([0x30 + first, 0x30 + last]);
}

/** The multiples of a number: digits are read from the left, and the remainder is kept. */
function multiplesOf(divisor: number): Expression | undefined {
  const { int, fraction } = decimal(divisor);
  const places = fraction.length;
  const scaled = Number(int + fraction);
  if (!(scaled > 0) || scaled > MAX_DIVISOR || places > MAX_DIGITS) return undefined;
  const rules = new Map<string, Rule>();
  /** `read`: digits of the fraction so far, -1 before the point. */
  const state = (remainder: number, read: number): Expression => {
    const key = `${remainder}/${read}`;
    const known = rules.get(key);
    if (known !== undefined) return ref(known);
    const made: Rule = { name: 'multiple', body: NOTHING };
    rules.set(key, made);
    const missing = places - Math.max(0, read);
    const isMultiple = (BigInt(remainder) * 10n ** BigInt(missing)) % BigInt(scaled) === 0n;
    const next = read === -1 ? -1 : read + 1;
    const digits = read === -1 || read < places ? [...'0123456789'] : [];
    made.body = choice(
      ...digits.map((digit) => sequence(text(digit), state((remainder * 10 + Number(digit)) % scaled, next))),
      ...(digits.length === 0 ? [sequence(text('0'), ref(made))] : []),
      ...(read === -1 ? [sequence(text('.'), state(remainder, 0))] : []),
      ...(isMultiple && read !== 0 ? [EMPTY] : []),
    );
    return ref(made);
  };
  return sequence(MINUS, state(0, -1));
}
