/**
 * How long a piece of a prompt is to take, milliseconds. A stop is answered at once, but llama.cpp goes on to the end of
 * its piece, and whoever comes next waits for that. Each piece reads all weights once: shorter ones cost speed (with
 * pieces of 60 ms a 300 MiB model took 1.2 times as long to its first token as in one piece).
 */
const PIECE_MS = 1500;

/** The least there is to a piece, and the first one, from which the speed is learned. Tokens. */
const SMALLEST_PIECE = 32;

/** How much larger the next piece may be: one measurement may be chance. */
const LARGEST_STEP = 8;

/** Chooses how many tokens of a prompt are evaluated at a time: a batch where it is quick, less where that takes long. */
export class PieceSize {
  readonly #largest: number;
  #size: number;

  /** @param batchSize Tokens llama.cpp evaluates at once. */
  constructor(batchSize: number) {
    this.#largest = Math.max(1, batchSize);
    this.#size = Math.min(SMALLEST_PIECE, this.#largest);
  }

  /** Tokens to evaluate next. */
  get tokens(): number {
    return this.#size;
  }

  /** Learns that so many tokens took so many milliseconds. */
  learn(tokens: number, milliseconds: number): void {
    const fitting = milliseconds > 0 ? Math.floor((tokens * PIECE_MS) / milliseconds) : this.#largest;
    // Few sizes, so that a prompt is cut the same way when it comes again: sums of floating-point numbers depend on how.
    let next = SMALLEST_PIECE;
    while (2 * next <= Math.min(fitting, LARGEST_STEP * this.#size)) next *= 2;
    this.#size = Math.min(this.#largest, next);
  }
}
