import { TemplateLimitError, TemplateSyntaxError } from '../errors.ts';
import type { Token } from './lexer.ts';

/** Maximum nesting of expressions and blocks. The reference implementation overflows its stack at a similar depth. */
const MAX_NESTING = 80;

/** A stream of tokens with one token of lookahead. */
export class TokenStream {
  readonly #tokens: readonly Token[];
  #index = 0;
  #nesting = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get current(): Token {
    return this.#at(this.#index);
  }

  /** The token after the current one (lookahead). */
  get following(): Token {
    return this.#at(this.#index + 1);
  }

  /** Returns the current token and advances to the next one. */
  next(): Token {
    const token = this.current;
    this.#index += 1;
    return token;
  }

  isName(...names: readonly string[]): boolean {
    const { type, value } = this.current;
    return type === 'name' && names.includes(value);
  }

  isOperator(...operators: readonly string[]): boolean {
    const { type, value } = this.current;
    return type === 'operator' && operators.includes(value);
  }

  skipName(name: string): boolean {
    const found = this.isName(name);
    if (found) this.#index += 1;
    return found;
  }

  skipOperator(operator: string): boolean {
    const found = this.isOperator(operator);
    if (found) this.#index += 1;
    return found;
  }

  expectOperator(operator: string): void {
    if (!this.skipOperator(operator)) throw this.unexpected(`'${operator}'`);
  }

  expectName(name: string): void {
    if (!this.skipName(name)) throw this.unexpected(`'${name}'`);
  }

  /** Consumes a name and returns it. @throws TemplateSyntaxError if the current token is not a name. */
  expectIdentifier(): string {
    const token = this.current;
    if (token.type !== 'name') throw this.unexpected('a name');
    this.#index += 1;
    return token.value;
  }

  expectEnd(type: 'block_end' | 'variable_end'): void {
    if (this.current.type !== type) throw this.unexpected(type === 'block_end' ? "'%}'" : "'}}'");
    this.#index += 1;
  }

  /** Parses a construct that can be nested, and checks the nesting limit. */
  nested<T>(parse: () => T): T {
    this.#nesting += 1;
    if (this.#nesting > MAX_NESTING) {
      throw new TemplateLimitError('nesting', `the template nests more than ${MAX_NESTING} levels deep`);
    }
    const parsed = parse();
    this.#nesting -= 1;
    return parsed;
  }

  unexpected(expected: string): TemplateSyntaxError {
    const { type, value } = this.current;
    const found = type === 'eof' ? 'the end of the template' : `'${value === '' ? type : value}'`;
    return this.error(`expected ${expected}, got ${found}`);
  }

  error(message: string): TemplateSyntaxError {
    return new TemplateSyntaxError(message, this.current.line);
  }

  #at(index: number): Token {
    const token = this.#tokens[Math.min(index, this.#tokens.length - 1)];
    if (token === undefined) throw new TemplateSyntaxError('the template has no tokens', 1);
    return token;
  }
}
