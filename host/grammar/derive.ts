import {
  and,
  choice,
  EMPTY,
  type Expression,
  isNothing,
  NOTHING,
  not,
  type Rule,
  repeat,
  sequence,
} from './expression.ts';

/**
 * Returns the Brzozowski derivative of a language with respect to a text (Derivatives of Regular Expressions, 1964):
 * the language of all continuations of the text; {@link NOTHING} if there are none.
 *
 * Rules are expanded when they come first, so left recursion is not allowed.
 */
export function derive(expression: Expression, text: string): Expression {
  let rest = expression;
  for (const character of text) {
    rest = deriveBy(rest, character.codePointAt(0) ?? 0);
    if (isNothing(rest)) break;
  }
  return rest;
}

/** Returns the derivative with respect to one code point. */
export function deriveBy(expression: Expression, code: number): Expression {
  switch (expression.kind) {
    case 'text': {
      const first = expression.text.codePointAt(0);
      if (first !== code) return NOTHING;
      return sequence({
        kind: 'text',
        text: expression.text.slice(code > 0xffff ? 2 : 1),
      });
    }
    case 'class':
      return expression.ranges.some(([first, last]) => first <= code && code <= last) ? EMPTY : NOTHING;
    case 'sequence':
      return deriveSequence(expression.parts, code);
    case 'choice':
      return choice(...expression.options.map((option) => deriveBy(option, code)));
    case 'repeat': {
      const { part, min, max } = expression;
      const first = deriveBy(part, code);
      if (isNothing(first)) return NOTHING;
      return sequence(first, repeat(part, Math.max(0, min - 1), max === undefined ? undefined : max - 1));
    }
    case 'rule':
      return deriveBy(expression.rule.body, code);
    case 'and': {
      const parts = expression.parts.map((part) => deriveBy(part, code));
      return parts.some(isNothing) ? NOTHING : and(...parts);
    }
    case 'not':
      return not(deriveBy(expression.part, code));
  }
}

function deriveSequence(parts: readonly Expression[], code: number): Expression {
  const options: Expression[] = [];
  for (const [index, part] of parts.entries()) {
    options.push(sequence(deriveBy(part, code), ...parts.slice(index + 1)));
    if (!isNullable(part)) break;
  }
  return choice(...options);
}

const nullableRules = new WeakMap<Rule, boolean>();

/** Returns whether the language contains the empty string. */
export function isNullable(expression: Expression): boolean {
  switch (expression.kind) {
    case 'text':
      return expression.text === '';
    case 'class':
      return false;
    case 'sequence':
    case 'and':
      return expression.parts.every(isNullable);
    case 'choice':
      return expression.options.some(isNullable);
    case 'repeat':
      return expression.min === 0 || isNullable(expression.part);
    case 'not':
      return !isNullable(expression.part);
    case 'rule': {
      const { rule } = expression;
      const known = nullableRules.get(rule);
      if (known !== undefined) return known;
      // During the recursion, a reference to the rule itself contributes nothing.
      nullableRules.set(rule, false);
      const result = isNullable(rule.body);
      nullableRules.set(rule, result);
      return result;
    }
  }
}

/** Returns whether the language contains the text. */
export function accepts(expression: Expression, text: string): boolean {
  return isNullable(derive(expression, text));
}

/** Returns whether the language contains only the empty string. */
export function isDone(expression: Expression): boolean {
  return expression.kind === 'text' && expression.text === '';
}
