import {
  choice,
  EMPTY,
  type Expression,
  isNothing,
  maybe,
  NOTHING,
  type Rule,
  ref,
  repeat,
  sequence,
} from '../grammar/expression.ts';

/** A declared member of an object. */
export interface Member {
  readonly written: Expression;
  readonly isRequired: boolean;
}

/** Builds the language of an object's members, in order and separated by commas. */
export class Members {
  readonly #members: readonly Member[];
  readonly #extra: Expression | undefined;
  readonly #comma: Expression;
  readonly #counts: { readonly min: number; readonly max: number };
  readonly #rules = new Map<string, Rule>();
  /** Whether members must be counted, because `minProperties` or `maxProperties` has an effect. */
  readonly #isCounted: boolean;

  constructor(
    members: readonly Member[],
    extra: Expression | undefined,
    comma: Expression,
    counts: { readonly min: number; readonly max: number },
  ) {
    this.#members = members;
    this.#extra = extra;
    this.#comma = comma;
    this.#counts = counts;
    const required = members.filter(({ isRequired }) => isRequired).length;
    const maxCount = extra === undefined ? members.length : Number.POSITIVE_INFINITY;
    this.#isCounted = counts.min > required || counts.max < maxCount;
  }

  write(): Expression {
    return this.#from(0, 0);
  }

  /** Returns the language of the members from `index` on, after `count` written members. */
  #from(index: number, count: number): Expression {
    const member = this.#members[index];
    if (member === undefined) return this.#end(count);
    const key = `${index}/${count}`;
    const known = this.#rules.get(key);
    if (known !== undefined) return ref(known);
    const rule: Rule = { name: 'members', body: NOTHING };
    this.#rules.set(key, rule);
    const isFull = this.#isCounted && count >= this.#counts.max;
    const next = this.#isCounted ? count + 1 : 1;
    const withMember = isFull
      ? NOTHING
      : sequence(count === 0 ? EMPTY : this.#comma, member.written, this.#from(index + 1, next));
    rule.body = member.isRequired ? withMember : choice(withMember, this.#from(index + 1, count));
    return isNothing(rule.body) ? NOTHING : ref(rule);
  }

  #end(count: number): Expression {
    const { min, max } = this.#counts;
    const missing = this.#isCounted ? Math.max(0, min - count) : 0;
    const left = this.#isCounted && max !== Number.POSITIVE_INFINITY ? max - count : undefined;
    if (this.#extra === undefined) return missing > 0 ? NOTHING : EMPTY;
    const following = sequence(this.#comma, this.#extra);
    if (left !== undefined && left <= 0) return EMPTY;
    if (count > 0) return repeat(following, missing, left);
    const several = sequence(
      this.#extra,
      repeat(following, Math.max(0, missing - 1), left === undefined ? undefined : left - 1),
    );
    return missing === 0 ? maybe(several) : several;
  }
}
