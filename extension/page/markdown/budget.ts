import { Lexer, Tokenizer, type TokensList } from 'marked';
import { FORMULAS } from './formula-syntax.ts';

/**
 * Most work for a segment: {@link WORK_PER_CHARACTER} for each of its characters, and as much as short texts with many
 * tokens need. Dense but real Markdown takes a tenth of that; the lexer takes quadratic time for some texts (unclosed
 * `**`, lists in one line) and reaches it after some 4 µs per character.
 */
const WORK_PER_CHARACTER = 50;
const WORK_OF_SHORT_TEXTS = 20_000;

/** Looking for a list searches the rest of the text several times. */
const LIST_FACTOR = 10;

/** The text takes more work than it may. */
class OverBudgetError extends Error {
  override readonly name = 'OverBudgetError';
}

/** Counts the lexer's work: each step processes the rest of the text. */
class CountingTokenizer extends Tokenizer {
  #remaining: number;

  constructor(text: string) {
    super();
    this.#remaining = WORK_OF_SHORT_TEXTS + WORK_PER_CHARACTER * text.length;
  }

  /** The first rule that the lexer tries at every step between blocks. */
  override space(src: string) {
    this.#count(src.length);
    return super.space(src);
  }

  /** The first rule that the lexer tries at every step inside a block. */
  override escape(src: string) {
    this.#count(src.length);
    return super.escape(src);
  }

  override list(src: string) {
    this.#count(LIST_FACTOR * src.length);
    return super.list(src);
  }

  #count(work: number): void {
    this.#remaining -= work;
    if (this.#remaining < 0) throw new OverBudgetError();
  }
}

/** Reads the tokens of a segment. Throws if that takes too much work, or if it is nested too deeply for the lexer. */
export function tokensOf(text: string, links: TokensList['links']): TokensList {
  const lexer = new Lexer({ gfm: true, breaks: true, tokenizer: new CountingTokenizer(text), extensions: FORMULAS });
  Object.assign(lexer.tokens.links, links);
  return lexer.lex(text);
}
