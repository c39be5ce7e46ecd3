import { complement, normalRanges, type Range } from './code-points.ts';

/** A rule of a grammar. Its body can be set after its creation, which allows rules to refer to each other. */
export interface Rule {
  readonly name: string;
  body: Expression;
}

/**
 * A formal language: a set of strings. `and` and `not` are allowed only in regular languages, which
 * {@link regularRules} converts to rules; all other kinds can be written as GBNF.
 */
export type Expression =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'class'; readonly ranges: readonly Range[] }
  | { readonly kind: 'sequence'; readonly parts: readonly Expression[] }
  | { readonly kind: 'choice'; readonly options: readonly Expression[] }
  /** `max` is undefined if there is no limit. */
  | {
      readonly kind: 'repeat';
      readonly part: Expression;
      readonly min: number;
      readonly max: number | undefined;
    }
  | { readonly kind: 'rule'; readonly rule: Rule }
  | { readonly kind: 'and'; readonly parts: readonly Expression[] }
  | { readonly kind: 'not'; readonly part: Expression };

/** The language that contains only the empty string. */
export const EMPTY: Expression = { kind: 'text', text: '' };

/** The empty language. */
export const NOTHING: Expression = { kind: 'choice', options: [] };

/** Returns the language that contains only the given string. */
export function text(value: string): Expression {
  return value === '' ? EMPTY : { kind: 'text', text: value };
}

/** Returns the language of the single characters in the ranges. */
export function oneOf(...ranges: readonly Range[]): Expression {
  return { kind: 'class', ranges: normalRanges(ranges) };
}

/** Returns the language of the single characters that are not in `characters`. */
export function noneOf(characters: string): Expression {
  return {
    kind: 'class',
    ranges: complement(normalRanges([...characters].map(single))),
  };
}

/** The language of all single characters. */
export const ANY: Expression = { kind: 'class', ranges: complement([]) };

/** Returns the concatenation of the parts. */
export function sequence(...parts: readonly Expression[]): Expression {
  const flat: Expression[] = [];
  for (const part of parts) {
    if (isNothing(part)) return NOTHING;
    if (part.kind === 'sequence') flat.push(...part.parts);
    else if (part !== EMPTY && !(part.kind === 'text' && part.text === '')) flat.push(part);
  }
  const [first] = flat;
  if (first === undefined) return EMPTY;
  return flat.length === 1 ? first : { kind: 'sequence', parts: flat };
}

/** Returns the union of the options. */
export function choice(...options: readonly Expression[]): Expression {
  const flat = new Set<Expression>();
  for (const option of options) {
    if (option.kind === 'choice') for (const inner of option.options) flat.add(inner);
    else flat.add(option);
  }
  const [first] = flat;
  if (first === undefined) return NOTHING;
  return flat.size === 1 ? first : { kind: 'choice', options: [...flat] };
}

/** Returns the union of the part and the empty string. */
export function maybe(part: Expression): Expression {
  return choice(part, EMPTY);
}

/** Returns the repetition of the part, from `min` to `max` times. */
export function repeat(part: Expression, min = 0, max?: number): Expression {
  if (max === 0 || part === EMPTY) return EMPTY;
  if (isNothing(part)) return min === 0 ? EMPTY : NOTHING;
  return min === 1 && max === 1 ? part : { kind: 'repeat', part, min, max };
}

/** Returns the intersection of the parts, which must be regular. */
export function and(...parts: readonly Expression[]): Expression {
  const [first] = parts;
  if (first === undefined) return not(NOTHING);
  return parts.length === 1 ? first : { kind: 'and', parts };
}

/** Returns the complement of the part, which must be regular. */
export function not(part: Expression): Expression {
  return part.kind === 'not' ? part.part : { kind: 'not', part };
}

/** Returns a reference to a rule. */
export function ref(rule: Rule): Expression {
  return { kind: 'rule', rule };
}

/** Creates a rule and returns a reference to it. */
export function rule(name: string, body: Expression): Expression {
  return ref({ name, body });
}

export function isNothing(expression: Expression): boolean {
  return expression.kind === 'choice' && expression.options.length === 0;
}

function single(character: string): Range {
  const code = character.codePointAt(0) ?? 0;
  return [code, code];
}
