import { overlap } from '../../../common/text-overlap.ts';

/** Searches text that arrives in pieces for stop sequences, and passes on only what cannot be the beginning of one. */
export class StopScanner {
  readonly #stops: readonly string[];
  #pending = '';

  /** @param stops Well-formed texts, none empty. */
  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** Adds a piece. `found`: a stop sequence is complete, and `text` is the rest of the text before it. */
  push(piece: string): { readonly text: string; readonly found: boolean } {
    const text = this.#pending + piece;
    const at = Math.min(...this.#stops.map((stop) => text.indexOf(stop)).filter((index) => index >= 0));
    if (Number.isFinite(at)) {
      this.#pending = '';
      return { text: text.slice(0, at), found: true };
    }
    const pending = Math.max(0, ...this.#stops.map((stop) => overlap(text, stop)));
    this.#pending = text.slice(text.length - pending);
    return { text: text.slice(0, text.length - pending), found: false };
  }

  /** Returns the text that was held back; call it at the end. */
  end(): string {
    const pending = this.#pending;
    this.#pending = '';
    return pending;
  }
}
