/** Looks for stop sequences in text that comes in pieces, and lets through only what cannot be the beginning of one. */
export class StopScanner {
  readonly #stops: readonly string[];
  #held = '';

  /** @param stops Well-formed texts, none empty. */
  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** Takes the next piece. `found`: a stop sequence is complete, and `text` is the last there is before it. */
  push(piece: string): { readonly text: string; readonly found: boolean } {
    const text = this.#held + piece;
    const at = Math.min(...this.#stops.map((stop) => text.indexOf(stop)).filter((index) => index >= 0));
    if (Number.isFinite(at)) {
      this.#held = '';
      return { text: text.slice(0, at), found: true };
    }
    const held = Math.max(0, ...this.#stops.map((stop) => overlap(text, stop)));
    this.#held = text.slice(text.length - held);
    return { text: text.slice(0, text.length - held), found: false };
  }

  /** What was held back, once nothing more comes. */
  end(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }
}

/** Length of the longest end of `text` with which `stop` begins. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
