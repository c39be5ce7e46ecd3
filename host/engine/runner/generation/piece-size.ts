/** A stop request waits for the piece of the prompt that is being evaluated: so long, milliseconds, at most by intention. */
const PIECE_MS = 60;

/** Smaller pieces waste the speed of batches: the weights are read once for each. Tokens. */
const SMALLEST_PIECE = 32;

/** Chooses how many tokens of a prompt are evaluated at a time: a batch where it is quick, less where that takes long. */
export class PieceSize {
  readonly #largest: number;
  #size: number;

  /** @param batchSize Tokens llama.cpp evaluates at once. */
  constructor(batchSize: number) {
    this.#largest = Math.max(1, batchSize);
    this.#size = Math.min(4 * SMALLEST_PIECE, this.#largest);
  }

  /** Tokens to evaluate next. */
  get tokens(): number {
    return this.#size;
  }

  /** Learns that so many tokens took so many milliseconds. */
  learn(tokens: number, milliseconds: number): void {
    const fitting = milliseconds > 0 ? Math.floor((tokens * PIECE_MS) / milliseconds) : this.#largest;
    // At most doubled: one measurement may be chance. Few sizes, so that a prompt is cut the same way when it comes
    // again: sums of floating-point numbers depend on how.
    let next = SMALLEST_PIECE;
    while (2 * next <= Math.min(fitting, 2 * this.#size)) next *= 2;
    this.#size = Math.min(this.#largest, next);
  }
}
