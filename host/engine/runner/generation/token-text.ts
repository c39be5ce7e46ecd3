/** What a decoder puts for bytes that are no whole character (yet). */
const REPLACEMENT = '\uFFFD';

/** Most bytes of a UTF-8 character that can be there without the character being whole. */
const MAX_PARTIAL_BYTES = 3;

/** Tokens before a text that tell the detokenizer whether a space begins it. The binding looks at no more. */
const CONTEXT_TOKENS = 3;

/**
 * Makes text of tokens as they come. A token may end in the middle of a character; the text never does: what is not
 * whole waits for the next token.
 */
export class TokenText<Token> {
  readonly #detokenize: (tokens: Token[], before: Token[]) => string;
  /** The last tokens whose text has been given out. */
  #before: Token[];
  /** Tokens whose text has not been given out whole. */
  #pending: Token[] = [];
  /** UTF-16 units of the pending tokens' text that have been given out. */
  #given = 0;

  /** @param before The tokens of the prompt, which the text continues. */
  constructor(detokenize: (tokens: Token[], before: Token[]) => string, before: readonly Token[]) {
    this.#detokenize = detokenize;
    this.#before = before.slice(-CONTEXT_TOKENS);
  }

  /** Takes a token; gives the text that is whole now. */
  push(token: Token): string {
    this.#pending.push(token);
    const text = this.#detokenize(this.#pending, this.#before);
    const whole = text.length - partialLength(text);
    const given = text.slice(this.#given, whole);
    if (whole === text.length) this.#settle();
    else this.#given = Math.max(this.#given, whole);
    return given;
  }

  /** Takes a token whose text is not wanted. Text of the tokens before it must have been taken with {@link end}. */
  skip(token: Token): void {
    this.#pending.push(token);
    this.#settle();
  }

  /** What is left at the end, without a character that was cut. */
  end(): string {
    if (this.#pending.length === 0) return '';
    const text = this.#detokenize(this.#pending, this.#before);
    const whole = text.slice(this.#given, text.length - partialLength(text));
    this.#settle();
    return whole;
  }

  #settle(): void {
    this.#before = [...this.#before, ...this.#pending].slice(-CONTEXT_TOKENS);
    this.#pending = [];
    this.#given = 0;
  }
}

/** How much of the end of a text may become another character with the next bytes. */
function partialLength(text: string): number {
  let length = 0;
  while (length < MAX_PARTIAL_BYTES && text.at(-1 - length) === REPLACEMENT) length += 1;
  return length;
}
