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

/** The items of an array, with commas between them: `first`, then the rest. */
export function itemsInOrder(
  first: readonly Expression[],
  rest: Expression | undefined,
  comma: Expression,
  { min, max }: { readonly min: number; readonly max: number | undefined },
): Expression {
  const head = first.flatMap((item, index) => (index === 0 ? [item] : [comma, item]));
  if (rest === undefined) return sequence(...head);
  const least = Math.max(0, min - first.length);
  const most = max === undefined ? undefined : max - first.length;
  if (first.length > 0) return sequence(...head, repeat(sequence(comma, rest), least, most));
  if (most === 0) return EMPTY;
  const several = sequence(
    rest,
    repeat(sequence(comma, rest), Math.max(0, least - 1), most === undefined ? undefined : most - 1),
  );
  return least === 0 ? maybe(several) : several;
}

/** The items of an array, each at most once and in any order. A rule for each combination: there must be few items. */
export function itemsOnce(
  items: readonly Expression[],
  comma: Expression,
  min: number,
  max: number | undefined,
): Expression {
  const rules = new Map<number, Rule>();
  /** `used`: a bit for each item that has been written. */
  const after = (used: number): Expression => {
    const known = rules.get(used);
    if (known !== undefined) return ref(known);
    const made: Rule = { name: 'unique', body: NOTHING };
    rules.set(used, made);
    const count = items.filter((_, index) => (used >> index) % 2 === 1).length;
    const more = items.flatMap((item, index) =>
      (used >> index) % 2 === 1 || count === max
        ? []
        : [sequence(count === 0 ? EMPTY : comma, item, after(used | (1 << index)))],
    );
    made.body = choice(...more, ...(count >= min ? [EMPTY] : []));
    return ref(made);
  };
  return after(0);
}
