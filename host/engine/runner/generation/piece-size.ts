/**
 * Target time for evaluating a piece of a prompt, milliseconds. A stop is answered at once, but llama.cpp finishes its
 * piece, and the next request waits for that. Each piece reads all weights once, so shorter ones are slower (with
 * pieces of 60 ms a 300 MiB model took 1.2 times as long to its first token as in one piece).
 */
const PIECE_MS = 1500;

/** Size of the smallest piece and of the first one, by which the speed is measured, tokens. */
const SMALLEST_PIECE = 32;

/** Largest factor between two pieces, because one measurement may be an outlier. */
const LARGEST_STEP = 8;

/** Chooses how many tokens of a prompt are evaluated at a time: a batch if that is fast enough, otherwise fewer. */
export class PieceSize {
  readonly #largest: number;
  #size: number;

  /** @param batchSize Tokens llama.cpp evaluates at once. */
  constructor(batchSize: number) {
    this.#largest = Math.max(1, batchSize);
    this.#size = Math.min(SMALLEST_PIECE, this.#largest);
  }

  /** Number of tokens to evaluate next. */
  get tokens(): number {
    return this.#size;
  }

  /** Records how long the evaluation of a piece took. */
  learn(tokens: number, milliseconds: number): void {
    const fitting = milliseconds > 0 ? Math.floor((tokens * PIECE_MS) / milliseconds) : this.#largest;
    // Few sizes, so that the same prompt is split the same way again: sums of floating-point numbers depend on the split.
    let next = SMALLEST_PIECE;
    while (2 * next <= Math.min(fitting, LARGEST_STEP * this.#size)) next *= 2;
    this.#size = Math.min(this.#largest, next);
  }
}
