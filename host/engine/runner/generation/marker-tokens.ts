import type { Token } from '../binding-types.ts';

/** Token types of a vocabulary that are not ordinary text (`llama_token_type`): control tokens and user-defined ones. */
const CONTROL = 3;
const USER_DEFINED = 4;

/** A token that is a marker. */
export interface Marker {
  readonly text: string;
  readonly isControl: boolean;
}

/** The tokens of a vocabulary that can be markup. */
export class MarkerTokens {
  readonly #tokens = new Map<string, { readonly token: Token; readonly isControl: boolean }>();

  /** @param vocabulary Texts of the tokens and their types, as the GGUF file has them. */
  constructor({ tokens, types }: { readonly tokens: readonly string[]; readonly types: readonly number[] }) {
    for (const [token, text] of tokens.entries()) {
      const type = types[token];
      if (type !== CONTROL && type !== USER_DEFINED) continue;
      this.#tokens.set(text, { token: token as Token, isControl: type === CONTROL });
    }
  }

  get texts(): ReadonlySet<string> {
    return new Set(this.#tokens.keys());
  }

  /** Returns those of the markers that are tokens. */
  among(markers: readonly string[]): ReadonlyMap<Token, Marker> {
    const found = new Map<Token, Marker>();
    for (const text of markers) {
      const entry = this.#tokens.get(text);
      if (entry !== undefined) found.set(entry.token, { text, isControl: entry.isControl });
    }
    return found;
  }
}
