/** What a decoder returns for bytes that are not a complete character (yet). */
const REPLACEMENT = '\uFFFD';

/** Most bytes of an incomplete UTF-8 character. */
const MAX_PARTIAL_BYTES = 3;

/**
 * Number of preceding tokens by which the detokenizer decides whether a text begins with a space. The binding uses no
 * more.
 */
const CONTEXT_TOKENS = 3;

/**
 * Converts tokens to text as they arrive. A token may end in the middle of a character, but the text never does:
 * incomplete characters wait for the next token.
 */
export class TokenText<Token> {
  readonly #detokenize: (tokens: Token[], before: Token[]) => string;
  /** The last tokens whose text has been returned. */
  #before: Token[];
  /** Tokens whose text has not been returned completely. */
  #pending: Token[] = [];
  /** UTF-16 units of the pending tokens' text that have been returned. */
  #given = 0;

  /** @param before The tokens of the prompt, which the text continues. */
  constructor(detokenize: (tokens: Token[], before: Token[]) => string, before: readonly Token[]) {
    this.#detokenize = detokenize;
    this.#before = before.slice(-CONTEXT_TOKENS);
  }

  /** Adds a token, and returns the text that is now complete. */
  push(token: Token): string {
    this.#pending.push(token);
    const text = this.#detokenize(this.#pending, this.#before);
    const whole = text.length - partialLength(text);
    const given = text.slice(this.#given, whole);
    if (whole === text.length) this.#settle();
    else this.#given = Math.max(this.#given, whole);
    return given;
  }

  /** Adds a token without returning its text. Call {@link end} first for the text of the tokens before it. */
  skip(token: Token): void {
    this.#pending.push(token);
    this.#settle();
  }

  /** Returns the remaining text, without an incomplete character. */
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

/** Returns how many characters at the end of a text may still change with the next bytes. */
function partialLength(text: string): number {
  let length = 0;
  while (length < MAX_PARTIAL_BYTES && text.at(-1 - length) === REPLACEMENT) length += 1;
  return length;
}
