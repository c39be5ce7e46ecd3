import { complement, normalRanges, type Range } from './code-points.ts';

/** A rule of a grammar. Its body is set after the rule exists, so that rules can refer to each other. */
export interface Rule {
  readonly name: string;
  body: Expression;
}

/**
 * A set of texts. `and` and `not` occur only in regular languages, which become rules with {@link regularRules}; all
 * others can be written as GBNF.
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

/** The empty text alone. */
export const EMPTY: Expression = { kind: 'text', text: '' };

/** No text at all. */
export const NOTHING: Expression = { kind: 'choice', options: [] };

/** Exactly one text. */
export function text(value: string): Expression {
  return value === '' ? EMPTY : { kind: 'text', text: value };
}

/** One character of these ranges. */
export function oneOf(...ranges: readonly Range[]): Expression {
  return { kind: 'class', ranges: normalRanges(ranges) };
}

/** One character that is none of these. */
export function noneOf(characters: string): Expression {
  return {
    kind: 'class',
    ranges: complement(normalRanges([...characters].map(single))),
  };
}

/** Any one character. */
export const ANY: Expression = { kind: 'class', ranges: complement([]) };

/** The parts in sequence. */
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

/** Any of the options. */
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

/** The part or nothing. */
export function maybe(part: Expression): Expression {
  return choice(part, EMPTY);
}

/** The part several times. */
export function repeat(part: Expression, min = 0, max?: number): Expression {
  if (max === 0 || part === EMPTY) return EMPTY;
  if (isNothing(part)) return min === 0 ? EMPTY : NOTHING;
  return min === 1 && max === 1 ? part : { kind: 'repeat', part, min, max };
}

/** Texts that are in all parts. Regular languages only. */
export function and(...parts: readonly Expression[]): Expression {
  const [first] = parts;
  if (first === undefined) return not(NOTHING);
  return parts.length === 1 ? first : { kind: 'and', parts };
}

/** Texts that are not in the part. Regular languages only. */
export function not(part: Expression): Expression {
  return part.kind === 'not' ? part.part : { kind: 'not', part };
}

/** Refers to a rule. */
export function ref(rule: Rule): Expression {
  return { kind: 'rule', rule };
}

/** Makes a rule. */
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
