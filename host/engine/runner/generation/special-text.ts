/** Token types of a vocabulary whose text llama.cpp reads as the token itself (`llama_token_type`). */
const SPECIAL_TYPES: ReadonlySet<number> = new Set([2, 3]);

/** The ends of a mark: characters of Unicode's private-use planes, which texts do not use. */
const MARK_BEGIN = '\u{F0000}';
const MARK_END = '\u{F0001}';
const MARK = /\u{F0000}([0-9a-z]+)\u{F0001}/u;

/** A part of a prompt; in a `literal` part, special tokens are plain text. */
export interface PromptPart {
  readonly text: string;
  readonly literal: boolean;
}

/**
 * Keeps what people write from being read as special tokens. A message that says `<|im_end|>` would end its own turn
 * and could continue in another role; so before a template is rendered such texts are replaced by marks, and the marks
 * become plain text again after it.
 */
export class SpecialText {
  readonly #texts: readonly string[];
  readonly #pattern: RegExp | undefined;

  /** @param vocabulary Texts of the tokens and their types, as the GGUF file has them. */
  constructor(vocabulary: { readonly tokens: readonly string[]; readonly types: readonly number[] }) {
    const texts = vocabulary.tokens.filter((text, id) => text !== '' && SPECIAL_TYPES.has(vocabulary.types[id] ?? 0));
    // Longer ones first: an alternation takes the first match.
    this.#texts = [...new Set(texts)].sort((a, b) => b.length - a.length);
    this.#pattern = this.#texts.length === 0 ? undefined : new RegExp(this.#texts.map(literal).join('|'), 'gu');
  }

  /** Returns whether the vocabulary has a special token with this text. */
  has(text: string): boolean {
    return this.#texts.includes(text);
  }

  /** Returns the text with marks in place of special tokens. */
  mark(text: string): string {
    if (this.#pattern === undefined) return text;
    return text.replace(this.#pattern, (found) => `${MARK_BEGIN}${this.#texts.indexOf(found).toString(36)}${MARK_END}`);
  }

  /** Splits a rendered prompt into the output of the template and the texts that marks replaced. */
  parts(rendered: string): PromptPart[] {
    // Splitting by a group returns texts and groups alternately.
    return rendered
      .split(MARK)
      .map((piece, index) =>
        index % 2 === 0
          ? { text: piece, literal: false }
          : { text: this.#texts[Number.parseInt(piece, 36)] ?? '', literal: true },
      )
      .filter(({ text }) => text !== '');
  }
}

/** Returns a pattern that matches only this text. */
function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
