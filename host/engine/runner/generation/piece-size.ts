/**
 * Target time for evaluating a piece of a prompt, milliseconds. All other requests to the model wait for the piece that
 * llama.cpp evaluates. Shorter pieces are slower, because each one reads all weights. With pieces of 1,500 ms, a short
 * request behind a prompt of 2,000 tokens waited 9 times as long as alone for its first token; with these, 2.2 times.
 */
const PIECE_MS = { alone: 250, shared: 100 };

/**
 * Size of the smallest piece and of the first one, by which the speed is measured, tokens. On a CPU, a token took as long in
 * pieces of 48 as in pieces of 128 (300 MiB, F16). With 32 and with 64, a short request waited longer (3.1 and 2.5 times).
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

  /** Records how long the evaluation of a piece took, including other tokens of the same batches. */
  learn(tokens: number, milliseconds: number): void {
    const measured = milliseconds > 0 ? tokens / milliseconds : Number.POSITIVE_INFINITY;
    this.#tokensPerMs = Math.min(measured, LARGEST_STEP * this.#tokensPerMs);
  }
}
