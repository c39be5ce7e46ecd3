/**
 * Target time for evaluating a piece of a prompt, milliseconds. Whatever else the model is asked for waits for the piece
 * that llama.cpp evaluates: a stop takes the sequence back after it, and another request gets its first token after it.
 * Shorter pieces are slower, because each one reads all weights.
 */
const PIECE_MS = { alone: 250, shared: 100 };

/**
 * Size of the smallest piece and of the first one, by which the speed is measured, tokens. On a CPU, a token took as long in
 * pieces of 48 as in pieces of 128 (300 MiB, F16).
 */
const SMALLEST_PIECE = 48;

/** Largest factor between two measurements of the speed, because one of them may be an outlier. */
const LARGEST_STEP = 8;

/** Chooses how many tokens of a prompt are evaluated at a time: a batch if that is fast enough, otherwise fewer. */
export class PieceSize {
  readonly #largest: number;
  #tokensPerMs = SMALLEST_PIECE / PIECE_MS.alone;

  /** @param batchSize Tokens llama.cpp evaluates at once. */
  constructor(batchSize: number) {
    this.#largest = Math.max(1, batchSize);
  }

  /** Returns the number of tokens to evaluate next, depending on whether other generations run or wait. */
  tokens(use: keyof typeof PIECE_MS): number {
    // Few sizes, so that the same prompt is split the same way again: sums of floating-point numbers depend on the split.
    let size = SMALLEST_PIECE;
    const fitting = this.#tokensPerMs * PIECE_MS[use];
    if (fitting >= this.#largest) return this.#largest;
    while (2 * size <= fitting) size *= 2;
    return Math.min(this.#largest, size);
  }

  /** Records how long the evaluation of a piece took, with what else was evaluated meanwhile. */
  learn(tokens: number, milliseconds: number): void {
    const measured = milliseconds > 0 ? tokens / milliseconds : Number.POSITIVE_INFINITY;
    this.#tokensPerMs = Math.min(measured, LARGEST_STEP * this.#tokensPerMs);
  }
}
