/** Tokens of the first context: most texts are shorter, and its buffers are small. */
const SMALLEST_CONTEXT = 512;

/** llama.cpp rounds contexts up to this many tokens. */
const CONTEXT_STEP = 256;

/**
 * A context that is made when it is first needed and made anew, twice as large, when a text does not fit: a text is
 * evaluated as one batch (a vector is pooled over one), and the buffers for it grow with the batch, for long ones faster.
 */
export class GrowingContext<C extends { dispose(): Promise<void> }> {
  readonly #create: (size: number) => Promise<C>;
  readonly #largest: number;
  #held: { readonly context: C; readonly size: number } | undefined;

  /**
   * @param room Most tokens a text may have.
   * @param create Makes a context that holds this many tokens, in one batch.
   */
  constructor(room: number, create: (size: number) => Promise<C>) {
    // One more than the text: the binding keeps a place free.
    this.#largest = Math.ceil((room + 1) / CONTEXT_STEP) * CONTEXT_STEP;
    this.#create = create;
  }

  /** A context that holds a text of this many tokens. */
  async holding(tokens: number): Promise<C> {
    if (this.#held !== undefined && this.#held.size > tokens) return this.#held.context;
    await this.drop();
    let size = SMALLEST_CONTEXT;
    while (size <= tokens) size *= 2;
    size = Math.min(size, this.#largest);
    const context = await this.#create(size);
    this.#held = { context, size };
    return context;
  }

  /** Gives the memory back. The next text gets a new context. */
  async drop(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    await held?.context.dispose();
  }
}
