import {
  choice,
  EMPTY,
  type Expression,
  maybe,
  NOTHING,
  type Rule,
  ref,
  repeat,
  sequence,
} from '../grammar/expression.ts';

/** Returns the language of an array's items, separated by commas: `first`, then items of `rest`. */
export function itemsInOrder(
  first: readonly Expression[],
  rest: Expression | undefined,
  comma: Expression,
  { min, max }: { readonly min: number; readonly max: number | undefined },
): Expression {
  const head = first.flatMap((item, index) => (index === 0 ? [item] : [comma, item]));
  if (rest === undefined) return sequence(...head);
  const minRest = Math.max(0, min - first.length);
  const maxRest = max === undefined ? undefined : max - first.length;
  if (first.length > 0) return sequence(...head, repeat(sequence(comma, rest), minRest, maxRest));
  if (maxRest === 0) return EMPTY;
  const several = sequence(
    rest,
    repeat(sequence(comma, rest), Math.max(0, minRest - 1), maxRest === undefined ? undefined : maxRest - 1),
  );
  return minRest === 0 ? maybe(several) : several;
}

/**
 * Returns the language of an array's items in any order, each at most once. It has a rule for each subset of the items,
 * so there must be few.
 */
export function itemsOnce(
  items: readonly Expression[],
  comma: Expression,
  min: number,
  max: number | undefined,
): Expression {
  const rules = new Map<number, Rule>();
  /** Returns the language of the remaining items. `used`: a bit for each item that was written. */
  const after = (used: number): Expression => {
    const known = rules.get(used);
    if (known !== undefined) return ref(known);
    const rule: Rule = { name: 'unique', body: NOTHING };
    rules.set(used, rule);
    const count = items.filter((_, index) => (used >> index) % 2 === 1).length;
    const more = items.flatMap((item, index) =>
      (used >> index) % 2 === 1 || count === max
        ? []
        : [sequence(count === 0 ? EMPTY : comma, item, after(used | (1 << index)))],
    );
    rule.body = choice(...more, ...(count >= min ? [EMPTY] : []));
    return ref(rule);
  };
  return after(0);
}
