import type { BinaryOperator, CompareOperator, Comparison, Expression, Target } from './ast.ts';
import { CONSTANT_NAMES, OperandParser, type TupleOptions } from './operand-parser.ts';

const COMPARISONS: readonly CompareOperator[] = ['==', '!=', '<', '<=', '>', '>='];

/** Parses expressions by recursive descent, from the lowest operator precedence to the highest. */
export class ExpressionParser extends OperandParser {
  override parseExpression(): Expression {
    return this.stream.nested(() => this.#conditional());
  }

  override parseTuple({ conditional = true, parenthesized = false }: TupleOptions = {}): Expression {
    const { stream } = this;
    const items: Expression[] = [];
    let isTuple = false;
    for (;;) {
      if (items.length > 0) stream.expectOperator(',');
      if (this.#tupleEnds()) break;
      items.push(conditional ? this.parseExpression() : stream.nested(() => this.#or()));
      if (!stream.isOperator(',')) break;
      isTuple = true;
    }
    const [first] = items;
    if (!isTuple && first !== undefined) return first;
    if (!isTuple && !parenthesized) throw stream.unexpected('an expression');
    return { kind: 'tuple', items };
  }

  /** Parses the target of `set`, `with` or `for`. */
  parseTarget({ namespaces = false }: { namespaces?: boolean } = {}): Target {
    const { stream } = this;
    const items: Target[] = [];
    let isTuple = false;
    for (;;) {
      if (items.length > 0) stream.expectOperator(',');
      if (this.#tupleEnds()) break;
      items.push(this.#singleTarget(namespaces));
      if (!stream.isOperator(',')) break;
      isTuple = true;
    }
    const [first] = items;
    if (first === undefined) throw stream.unexpected('a name to assign to');
    return isTuple ? { kind: 'tuple', items } : first;
  }

  /** Parses the name of an assignment target, which must not be a constant. */
  parseTargetName(): string {
    const name = this.stream.expectIdentifier();
    if (CONSTANT_NAMES.has(name)) throw this.stream.error(`can't assign to '${name}'`);
    return name;
  }

  #conditional(): Expression {
    const { stream } = this;
    const mark = this.names.mark();
    let expression = this.#or();
    while (stream.skipName('if')) {
      // The expression before `if` is evaluated only if the condition is true.
      this.names.discardUnknownSince(mark);
      const then = expression;
      expression = this.names.withLeniency(true, () => {
        const test = this.#or();
        const otherwise = stream.skipName('else') ? stream.nested(() => this.#conditional()) : undefined;
        return { kind: 'conditional', test, then, otherwise };
      });
    }
    return expression;
  }

  #or(): Expression {
    let left = this.#and();
    while (this.stream.skipName('or')) left = { kind: 'or', left, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.stream.skipName('and')) left = { kind: 'and', left, right: this.#not() };
    return left;
  }

  #not(): Expression {
    if (!this.stream.skipName('not')) return this.#compare();
    return { kind: 'unary', operator: 'not', operand: this.stream.nested(() => this.#not()) };
  }

  #compare(): Expression {
    const first = this.#sum();
    const rest: Comparison[] = [];
    for (;;) {
      const operator = this.#comparison();
      if (operator === undefined) break;
      rest.push({ operator, operand: this.#sum() });
    }
    return rest.length === 0 ? first : { kind: 'compare', first, rest };
  }

  #comparison(): CompareOperator | undefined {
    const { stream } = this;
    const operator = COMPARISONS.find((candidate) => stream.skipOperator(candidate));
    if (operator !== undefined) return operator;
    if (stream.skipName('in')) return 'in';
    if (!stream.isName('not') || stream.following.type !== 'name' || stream.following.value !== 'in') return undefined;
    stream.next();
    stream.next();
    return 'not in';
  }

  #sum(): Expression {
    return this.#binary(['+', '-'], () => this.#concat());
  }

  #concat(): Expression {
    const first = this.#product();
    const parts = [first];
    while (this.stream.skipOperator('~')) parts.push(this.#product());
    return parts.length === 1 ? first : { kind: 'concat', parts };
  }

  #product(): Expression {
    return this.#binary(['*', '/', '//', '%'], () => this.#binary(['**'], () => this.parseUnary()));
  }

  #binary(operators: readonly BinaryOperator[], operand: () => Expression): Expression {
    let left = operand();
    for (;;) {
      const operator = operators.find((candidate) => this.stream.skipOperator(candidate));
      if (operator === undefined) return left;
      left = { kind: 'binary', operator, left, right: operand() };
    }
  }

  #tupleEnds(): boolean {
    const { type } = this.stream.current;
    return type === 'variable_end' || type === 'block_end' || this.stream.isOperator(')');
  }

  #singleTarget(namespaces: boolean): Target {
    const { stream } = this;
    if (stream.skipOperator('(')) {
      const inner = this.parseTarget();
      stream.expectOperator(')');
      return inner;
    }
    const name = this.parseTargetName();
    if (!namespaces || !stream.skipOperator('.')) return { kind: 'name', name };
    return { kind: 'namespace', name, attribute: stream.expectIdentifier() };
  }
}
