import { common, complement, normalRanges, type Range } from './code-points.ts';
import { isNullable } from './derive.ts';
import { ANY, and, choice, EMPTY, type Expression, NOTHING, not, oneOf, repeat, sequence, text } from './expression.ts';

/**
 * Maximum length of a regular expression, in UTF-16 code units. The longest that validators generate, for email
 * addresses, have about 300.
 */
const MAX_PATTERN_CHARACTERS = 4_096;

/** Maximum nesting of groups. */
const MAX_DEPTH = 32;

/** Maximum number in a quantifier. */
const MAX_REPETITIONS = 10_000;

/** A regular expression cannot be converted. The message is the reason, as a clause. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

type Node =
  | { readonly kind: 'characters'; readonly ranges: readonly Range[] }
  | {
      readonly kind: 'group';
      readonly alternatives: readonly (readonly Node[])[];
    }
  | {
      readonly kind: 'repeat';
      readonly node: Node;
      readonly min: number;
      readonly max: number | undefined;
    }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' }
  | {
      readonly kind: 'lookahead';
      readonly group: Node;
      readonly isNegative: boolean;
    };

const DIGITS: readonly Range[] = [[0x30, 0x39]];
const WORD: readonly Range[] = normalRanges([
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]);
/** White space and line terminators of ECMAScript. */
const SPACE: readonly Range[] = normalRanges([
  [0x9, 0xd],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]);
const LINE_TERMINATORS: readonly Range[] = normalRanges([
  [0xa, 0xa],
  [0xd, 0xd],
  [0x2028, 0x2029],
]);

const CLASS_ESCAPES: Readonly<Record<string, readonly Range[]>> = {
  d: DIGITS,
  D: complement(DIGITS),
  w: WORD,
  W: complement(WORD),
  s: SPACE,
  S: complement(SPACE),
};
const CHARACTER_ESCAPES: Readonly<Record<string, number>> = {
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  0: 0,
};

const ANYTHING = repeat(ANY);

/** The range of the letters with case that are supported: Latin, Greek, Cyrillic and Armenian. */
const CASED: Range = [0x41, 0x587];

/**
 * Returns the language of all strings in which an ECMAScript regular expression has a match.
 *
 * @throws PatternError for backreferences (which are not regular), lookbehind, word boundaries, Unicode properties, and
 * assertions in repeated groups.
 */
export function patternLanguage(pattern: string): Expression {
  const root = parse(pattern, '');
  const inside = followed(root, ANYTHING, false);
  return choice(followed(root, ANYTHING, true), sequence(ANY, ANYTHING, inside));
}

/**
 * Returns the language of all strings that an ECMAScript regular expression matches completely.
 *
 * @param flags ECMAScript flags. `i` and `s` are supported; `d`, `g`, `u` and `y` make no difference.
 * @throws PatternError as {@link patternLanguage}, and for other flags.
 */
export function matchLanguage(pattern: string, flags = ''): Expression {
  const [unsupported] = /[^dgisuy]/.exec(flags) ?? [];
  if (unsupported !== undefined) throw new PatternError(`the flag "${unsupported}" is not supported`);
  return followed(parse(pattern, flags), EMPTY, true);
}

function parse(pattern: string, flags: string): Node {
  if (pattern.length > MAX_PATTERN_CHARACTERS) {
    throw new PatternError(`it has more than ${MAX_PATTERN_CHARACTERS} characters`);
  }
  return new Parser(pattern, flags).parse();
}

/** Returns the language of a node followed by `next`. Assertions depend on what follows. */
function followed(node: Node, next: Expression, atStart: boolean): Expression {
  switch (node.kind) {
    case 'start':
      return atStart ? next : NOTHING;
    case 'end':
      return isNullable(next) ? EMPTY : NOTHING;
    case 'lookahead': {
      const seen = followed(node.group, ANYTHING, atStart);
      return and(node.isNegative ? not(seen) : seen, next);
    }
    case 'group':
      return choice(...node.alternatives.map((nodes) => allFollowed(nodes, next, atStart)));
    default:
      return sequence(plain(node), next);
  }
}

function allFollowed(nodes: readonly Node[], next: Expression, atStart: boolean): Expression {
  const starts: boolean[] = [];
  let isStart = atStart;
  for (const node of nodes) {
    starts.push(isStart);
    isStart &&= node.kind === 'start' || node.kind === 'lookahead';
  }
  return nodes.reduceRight((rest, node, index) => followed(node, rest, starts[index] ?? false), next);
}

/** Returns the language of a node without assertions. */
function plain(node: Node): Expression {
  switch (node.kind) {
    case 'characters':
      return oneOf(...node.ranges);
    case 'repeat':
      return repeat(plain(node.node), node.min, node.max);
    case 'group':
      return choice(...node.alternatives.map((nodes) => sequence(...nodes.map(plain))));
    default:
      throw new PatternError('it has an assertion in a repeated group');
  }
}

class Parser {
  readonly #pattern: string;
  #at = 0;
  #depth = 0;

  readonly #ignoresCase: boolean;
  readonly #dot: readonly Range[];

  constructor(pattern: string, flags: string) {
    this.#pattern = pattern;
    this.#ignoresCase = flags.includes('i');
    this.#dot = complement(flags.includes('s') ? [] : LINE_TERMINATORS);
  }

  parse(): Node {
    const group = this.#alternatives();
    if (this.#at < this.#pattern.length) throw new PatternError('it has an unmatched ")"');
    return group;
  }

  #peek(length = 1): string {
    return this.#pattern.slice(this.#at, this.#at + length);
  }

  #take(expected: string): boolean {
    if (!this.#pattern.startsWith(expected, this.#at)) return false;
    this.#at += expected.length;
    return true;
  }

  /** Consumes one code point and returns it. */
  #next(): string {
    const code = this.#pattern.codePointAt(this.#at);
    if (code === undefined) throw new PatternError('it is incomplete');
    const character = String.fromCodePoint(code);
    this.#at += character.length;
    return character;
  }

  #alternatives(): Node {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new PatternError(`its groups are nested more than ${MAX_DEPTH} deep`);
    const alternatives: Node[][] = [[]];
    for (let next = this.#peek(); next !== '' && next !== ')'; next = this.#peek()) {
      if (this.#take('|')) alternatives.push([]);
      else alternatives.at(-1)?.push(this.#term());
    }
    this.#depth -= 1;
    return { kind: 'group', alternatives };
  }

  #term(): Node {
    if (this.#take('^')) return { kind: 'start' };
    if (this.#take('$')) return { kind: 'end' };
    if (this.#take('(?=')) return { kind: 'lookahead', group: this.#groupEnd(), isNegative: false };
    if (this.#take('(?!')) return { kind: 'lookahead', group: this.#groupEnd(), isNegative: true };
    return this.#quantified(this.#atom());
  }

  #groupEnd(): Node {
    const group = this.#alternatives();
    if (!this.#take(')')) throw new PatternError('it has an unmatched "("');
    return group;
  }

  #atom(): Node {
    if (this.#take('(?:')) return this.#groupEnd();
    if (this.#peek(3) === '(?<' && /^\(\?<[A-Za-z_$][\w$]*>/.test(this.#peek(64))) {
      this.#at = this.#pattern.indexOf('>', this.#at) + 1;
      return this.#groupEnd();
    }
    if (this.#peek(2) === '(?') throw new PatternError(`it has a group of the form "${this.#peek(4)}"`);
    if (this.#take('(')) return this.#groupEnd();
    if (this.#take('[')) return { kind: 'characters', ranges: this.#class() };
    if (this.#take('.')) return { kind: 'characters', ranges: this.#dot };
    if (this.#take('\\')) return { kind: 'characters', ranges: this.#anyCase(this.#escape(false)) };
    const character = this.#next();
    if ('*+?'.includes(character)) throw new PatternError(`it has nothing to repeat before "${character}"`);
    return {
      kind: 'characters',
      ranges: this.#anyCase(single(character.codePointAt(0) ?? 0)),
    };
  }

  /** Adds the other case of letters if the flag `i` is set. */
  #anyCase(ranges: readonly Range[]): readonly Range[] {
    if (!this.#ignoresCase) return ranges;
    const others: Range[] = [];
    for (const [first, last] of common(ranges, [CASED])) {
      for (let code = first; code <= last; code += 1) {
        const character = String.fromCodePoint(code);
        for (const other of [character.toLowerCase(), character.toUpperCase()]) {
          if (other !== character && other.length === 1) others.push(...single(other.charCodeAt(0)));
        }
      }
    }
    return normalRanges([...ranges, ...others]);
  }

  #quantified(node: Node): Node {
    const counts = /^(?:([*+?])|\{(\d{1,6})(?:(,)(\d{1,6})?)?\})\??/.exec(this.#pattern.slice(this.#at, this.#at + 20));
    if (counts === null) return node;
    const [whole, symbol, lower, comma, upper] = counts;
    this.#at += whole.length;
    if (/^[*+?{]/.test(this.#peek())) throw new PatternError('it has two quantifiers in a row');
    const min = symbol === undefined ? Number(lower) : symbol === '+' ? 1 : 0;
    const limit = comma === undefined ? min : upper === undefined ? undefined : Number(upper);
    const max = symbol === undefined ? limit : symbol === '?' ? 1 : undefined;
    if (Math.max(min, max ?? 0) > MAX_REPETITIONS)
      throw new PatternError(`it repeats more than ${MAX_REPETITIONS} times`);
    if (max !== undefined && max < min) throw new PatternError('it has a quantifier whose numbers are out of order');
    if (min === 1 && max === 1) return node;
    return { kind: 'repeat', node, min, max };
  }

  #class(): readonly Range[] {
    const isNegative = this.#take('^');
    const ranges: Range[] = [];
    while (!this.#take(']')) {
      const first = this.#classPart();
      if (this.#peek() !== '-' || this.#peek(2) === '-]') {
        ranges.push(...first);
        continue;
      }
      this.#take('-');
      const last = this.#classPart();
      const [from, to] = [singleCode(first), singleCode(last)];
      if (from === undefined || to === undefined) ranges.push(...first, ...single(0x2d), ...last);
      else if (from > to) throw new PatternError('it has a range whose ends are out of order');
      else ranges.push([from, to]);
    }
    const normal = this.#anyCase(normalRanges(ranges));
    return isNegative ? complement(normal) : normal;
  }

  #classPart(): readonly Range[] {
    return this.#take('\\') ? this.#escape(true) : single(this.#next().codePointAt(0) ?? 0);
  }

  #escape(inClass: boolean): readonly Range[] {
    const character = this.#next();
    const ranges = CLASS_ESCAPES[character];
    if (ranges !== undefined) return ranges;
    const code = CHARACTER_ESCAPES[character];
    if (code !== undefined && !(character === '0' && /\d/.test(this.#peek()))) return single(code);
    if (character === 'b' && inClass) return single(8);
    if (character === 'x') return single(this.#hex(/^[\da-fA-F]{2}/));
    if (character === 'u') {
      if (this.#take('{')) {
        const value = this.#hex(/^[\da-fA-F]{1,6}/);
        if (!this.#take('}')) throw new PatternError('it has an invalid escape');
        return single(value);
      }
      return single(this.#hex(/^[\da-fA-F]{4}/));
    }
    if (/[a-zA-Z0-9]/.test(character)) throw new PatternError(`it uses "\\${character}"`);
    return single(character.codePointAt(0) ?? 0);
  }

  #hex(form: RegExp): number {
    const [digits] = form.exec(this.#peek(6)) ?? [];
    if (digits === undefined) throw new PatternError('it has an invalid escape');
    this.#at += digits.length;
    const code = Number.parseInt(digits, 16);
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
      throw new PatternError('it has an unpaired surrogate or an invalid code point');
    return code;
  }
}

function single(code: number): readonly Range[] {
  return [[code, code]];
}

function singleCode(ranges: readonly Range[]): number | undefined {
  const [range] = ranges;
  return ranges.length === 1 && range !== undefined && range[0] === range[1] ? range[0] : undefined;
}

/** Returns the language of all strings whose length, in code points, is from `min` to `max`. */
export function lengthLanguage(min = 0, max?: number): Expression {
  return repeat(ANY, min, max);
}

/** Returns the language of all strings that do not contain `part`. */
export function notContaining(part: string): Expression {
  return not(sequence(ANYTHING, text(part), ANYTHING));
}
