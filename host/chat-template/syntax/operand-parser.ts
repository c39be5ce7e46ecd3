import { TemplateSyntaxError } from '../errors.ts';
import { Float } from '../values/float.ts';
import type { ArgumentList, CallExpression, Expression, FilterExpression } from './ast.ts';
import type { NameTracker } from './name-tracker.ts';
import type { TokenStream } from './token-stream.ts';

const NO_ARGUMENTS: ArgumentList = { positional: [], named: [], spread: undefined, spreadNamed: undefined };

/** Constants by name. They cannot be assigned to. */
export const CONSTANT_NAMES: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['none', null],
  ['None', null],
]);

/** Options for parsing comma-separated expressions, which may be a tuple without parentheses. */
export interface TupleOptions {
  readonly conditional?: boolean;
  /** Whether the list is in parentheses, where it may be empty. */
  readonly parenthesized?: boolean;
}

/** Parses operands: literals, names, attributes, subscripts, calls, filters and tests. */
export abstract class OperandParser {
  protected readonly stream: TokenStream;
  protected readonly names: NameTracker;

  constructor(stream: TokenStream, names: NameTracker) {
    this.stream = stream;
    this.names = names;
  }

  /** Parses an expression. */
  abstract parseExpression(): Expression;

  /** Parses comma-separated expressions: one expression, or a tuple. */
  abstract parseTuple(options?: TupleOptions): Expression;

  /** Parses an operand with its unary operators, postfixes, filters and tests. */
  protected parseUnary(withFilters = true): Expression {
    const { stream } = this;
    const sign = (['-', '+'] as const).find((candidate) => stream.skipOperator(candidate));
    const inner: Expression =
      sign === undefined
        ? this.#primary()
        : { kind: 'unary', operator: sign, operand: stream.nested(() => this.parseUnary(false)) };
    const node = this.#postfix(inner);
    return withFilters ? this.#filtersAndTests(node) : node;
  }

  /** Parses a chain of filters; undefined if there are none. @param startsInline Whether the first one has no `|`. */
  parseFilters(input: Expression | undefined, startsInline = false): FilterExpression | undefined {
    const { stream } = this;
    let filter: FilterExpression | undefined;
    for (let inline = startsInline; inline || stream.skipOperator('|'); inline = false) {
      const name = this.#dottedName();
      this.names.checkFilter(name, stream.current.line);
      const list = stream.isOperator('(') ? this.#arguments() : NO_ARGUMENTS;
      filter = { kind: 'filter', name, input: filter ?? input, arguments: list };
    }
    return filter;
  }

  #primary(): Expression {
    const { stream } = this;
    const token = stream.current;
    switch (token.type) {
      case 'name':
        return this.#name(token.value);
      case 'string':
        return { kind: 'constant', value: this.#strings() };
      case 'integer':
        stream.next();
        return { kind: 'constant', value: token.value };
      case 'float':
        stream.next();
        return { kind: 'constant', value: new Float(token.value) };
      default:
    }
    if (stream.skipOperator('(')) {
      const inner = this.parseTuple({ parenthesized: true });
      stream.expectOperator(')');
      return inner;
    }
    if (stream.skipOperator('[')) return { kind: 'list', items: this.#sequence(']', () => this.parseExpression()) };
    if (stream.skipOperator('{')) return { kind: 'dict', entries: this.#sequence('}', () => this.#entry()) };
    throw stream.unexpected('an expression');
  }

  #name(name: string): Expression {
    this.stream.next();
    const constant = CONSTANT_NAMES.get(name);
    if (constant !== undefined) return { kind: 'constant', value: constant };
    this.names.recordRead(name);
    return { kind: 'name', name };
  }

  /** Parses adjacent string literals, which are concatenated. */
  #strings(): string {
    let text = '';
    for (let token = this.stream.current; token.type === 'string'; token = this.stream.current) {
      text += token.value;
      this.stream.next();
    }
    return text;
  }

  #sequence<T>(end: string, parse: () => T): T[] {
    const items: T[] = [];
    while (!this.stream.isOperator(end)) {
      if (items.length > 0) this.stream.expectOperator(',');
      if (this.stream.isOperator(end)) break;
      items.push(parse());
    }
    this.stream.expectOperator(end);
    return items;
  }

  #entry(): readonly [Expression, Expression] {
    const key = this.parseExpression();
    this.stream.expectOperator(':');
    return [key, this.parseExpression()];
  }

  #postfix(start: Expression): Expression {
    let node = start;
    for (;;) {
      if (this.stream.skipOperator('.')) node = this.#attribute(node);
      else if (this.stream.skipOperator('[')) node = this.#subscript(node);
      else if (this.stream.isOperator('(')) node = this.#call(node);
      else return node;
    }
  }

  #attribute(object: Expression): Expression {
    const token = this.stream.next();
    if (token.type === 'name') return { kind: 'attribute', object, name: token.value };
    if (token.type === 'integer') return { kind: 'item', object, key: { kind: 'constant', value: token.value } };
    throw new TemplateSyntaxError('expected name or number', token.line);
  }

  #subscript(object: Expression): Expression {
    const { stream } = this;
    const start = stream.isOperator(':') ? undefined : this.parseTuple();
    if (start !== undefined && stream.skipOperator(']')) return { kind: 'item', object, key: start };
    const part = () => {
      if (!stream.skipOperator(':')) return undefined;
      return stream.isOperator(':', ']') ? undefined : this.parseExpression();
    };
    const stop = part();
    const step = part();
    stream.expectOperator(']');
    return { kind: 'slice', object, start, stop, step };
  }

  #call(callee: Expression): CallExpression {
    return { kind: 'call', callee, arguments: this.#arguments() };
  }

  #arguments(): ArgumentList {
    const { stream } = this;
    stream.expectOperator('(');
    const positional: Expression[] = [];
    const named: (readonly [string, Expression])[] = [];
    let spread: Expression | undefined;
    let spreadNamed: Expression | undefined;
    const ensure = (valid: boolean) => {
      if (!valid) throw stream.error('invalid syntax for function call expression');
    };
    for (let isFirst = true; !stream.isOperator(')'); isFirst = false) {
      if (!isFirst) stream.expectOperator(',');
      if (stream.isOperator(')')) break;
      if (stream.skipOperator('*')) {
        ensure(spread === undefined && spreadNamed === undefined);
        spread = this.parseExpression();
      } else if (stream.skipOperator('**')) {
        ensure(spreadNamed === undefined);
        spreadNamed = this.parseExpression();
      } else if (this.#isNamedArgument()) {
        ensure(spreadNamed === undefined);
        const name = stream.expectIdentifier();
        ensure(!named.some(([other]) => other === name));
        stream.next();
        named.push([name, this.parseExpression()]);
      } else {
        ensure(spread === undefined && spreadNamed === undefined && named.length === 0);
        positional.push(this.parseExpression());
      }
    }
    stream.expectOperator(')');
    return { positional, named, spread, spreadNamed };
  }

  #isNamedArgument(): boolean {
    const { current, following } = this.stream;
    return current.type === 'name' && following.type === 'operator' && following.value === '=';
  }

  #filtersAndTests(start: Expression): Expression {
    let node = start;
    for (;;) {
      if (this.stream.isOperator('|')) node = this.parseFilters(node) ?? node;
      else if (this.stream.skipName('is')) node = this.#test(node);
      else if (this.stream.isOperator('(')) node = this.#call(node);
      else return node;
    }
  }

  #test(input: Expression): Expression {
    const { stream } = this;
    const negated = stream.skipName('not');
    const name = this.#dottedName();
    this.names.checkTest(name, stream.current.line);
    let list = NO_ARGUMENTS;
    if (stream.isOperator('(')) list = this.#arguments();
    else if (this.#startsTestArgument()) {
      if (stream.isName('is')) throw stream.error('You cannot chain multiple tests with is');
      list = { ...NO_ARGUMENTS, positional: [this.#postfix(this.#primary())] };
    }
    const test: Expression = { kind: 'test', name, input, arguments: list };
    return negated ? { kind: 'unary', operator: 'not', operand: test } : test;
  }

  #startsTestArgument(): boolean {
    const { type } = this.stream.current;
    if (type === 'name') return !this.stream.isName('else', 'or', 'and');
    return type === 'string' || type === 'integer' || type === 'float' || this.stream.isOperator('[', '{');
  }

  #dottedName(): string {
    let name = this.stream.expectIdentifier();
    while (this.stream.skipOperator('.')) name += `.${this.stream.expectIdentifier()}`;
    return name;
  }
}
