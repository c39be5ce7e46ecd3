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

/** Maximum number of digits: a parser may round a number with more. */
const MAX_DIGITS = 15;

/** Largest integer that parsers represent exactly. */
const LARGEST = Number.MAX_SAFE_INTEGER;

/** Maximum divisor without trailing zeros: the grammar has a rule for each remainder. */
const MAX_DIVISOR = 1_000;

/** The constraints on a number. */
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

/** Any JSON integer. */
export const ANY_INTEGER = choice(text('0'), sequence(MINUS, NON_ZERO, repeat(DIGIT, 0, MAX_DIGITS - 1)));

/** Any JSON number. */
export const ANY_NUMBER = sequence(
  MINUS,
  choice(text('0'), sequence(NON_ZERO, repeat(DIGIT, 0, MAX_DIGITS - 1))),
  maybe(sequence(text('.'), repeat(DIGIT, 1, MAX_DIGITS))),
  maybe(sequence(oneOf([0x45, 0x45], [0x65, 0x65]), maybe(oneOf([0x2b, 0x2b], [0x2d, 0x2d])), repeat(DIGIT, 1, 2))),
);

/**
 * Returns the regular language of the numbers that satisfy the constraints, in decimal notation without exponent;
 * undefined if a divisor would need too many rules.
 */
export function numberLanguage(rules: NumberRules): Expression | undefined {
  const bounds = [rules.minimum, rules.maximum, rules.exclusiveMinimum, rules.exclusiveMaximum].filter(
    (bound) => bound !== undefined,
  );
  const intDigits = Math.max(1, ...bounds.map((bound) => decimal(Math.min(Math.abs(bound), LARGEST)).int.length));
  // A number with more digits could be rounded to a number outside the bounds.
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

/** The decimal digits of the absolute value of a number. */
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

/** Returns the language of the decimal numbers that are at least (or, if exclusive, greater than) a bound. */
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

/** An optional fraction. */
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
      // Exclude leading zeros.
      const below = between(index === 0 && int.length > 1 ? 1 : 0, Number(digit) - 1);
      return sequence(text(int.slice(0, index)), below, repeat(DIGIT, int.length - index - 1, int.length - index - 1));
    }),
  );
  const same = sequence(text(int), fractionTo(fraction, isExclusive));
  return choice(sequence(choice(shorter, less), ANY_FRACTION), same);
}

/** Returns the language of the fractions, with the decimal point, that are at least the given one. */
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

/** Returns the language of the fractions, with the decimal point, that are at most the given one, or no fraction. */
function fractionTo(digits: string, isExclusive: boolean): Expression {
  const zeros = sequence(text('.'), text('0'), repeat(text('0')));
  if (digits === '') return isExclusive ? NOTHING : maybe(zeros);
  const options = [...digits].flatMap((digit, index) => [
    sequence(text(digits.slice(0, index)), between(0, Number(digit) - 1), DIGITS),
    // A prefix of the digits.
    ...(index === 0 ? [] : [text(digits.slice(0, index))]),
  ]);
  const same = isExclusive ? [] : [sequence(text(digits), repeat(text('0')))];
  return maybe(sequence(text('.'), choice(...options, ...same)));
}

function between(first: number, last: number): Expression {
  return first > last ? NOTHING : oneOf([0x30 + first, 0x30 + last]);
}

/**
 * Returns the language of the multiples of a number: an automaton whose state is the remainder of the digits so far.
 */
function multiplesOf(divisor: number): Expression | undefined {
  const { int, fraction } = decimal(divisor);
  const places = fraction.length;
  const scaled = Number(int + fraction);
  if (!(scaled > 0) || scaled > MAX_DIVISOR || places > MAX_DIGITS) return undefined;
  const rules = new Map<string, Rule>();
  /** `read`: number of fraction digits so far, -1 before the decimal point. */
  const state = (remainder: number, read: number): Expression => {
    const key = `${remainder}/${read}`;
    const known = rules.get(key);
    if (known !== undefined) return ref(known);
    const rule: Rule = { name: 'multiple', body: NOTHING };
    rules.set(key, rule);
    const missing = places - Math.max(0, read);
    const isMultiple = (BigInt(remainder) * 10n ** BigInt(missing)) % BigInt(scaled) === 0n;
    const next = read === -1 ? -1 : read + 1;
    const digits = read === -1 || read < places ? [...'0123456789'] : [];
    rule.body = choice(
      ...digits.map((digit) => sequence(text(digit), state((remainder * 10 + Number(digit)) % scaled, next))),
      ...(digits.length === 0 ? [sequence(text('0'), ref(rule))] : []),
      ...(read === -1 ? [sequence(text('.'), state(remainder, 0))] : []),
      ...(isMultiple && read !== 0 ? [EMPTY] : []),
    );
    return ref(rule);
  };
  return sequence(MINUS, state(0, -1));
}
