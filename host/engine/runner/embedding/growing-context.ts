/** Size of the first context, tokens: most texts are shorter, and its buffers are small. */
const SMALLEST_CONTEXT = 512;

/** llama.cpp rounds contexts up to this many tokens. */
const CONTEXT_STEP = 256;

/**
 * A context that is created on first use and replaced by one twice as large when a text does not fit. A text is
 * evaluated as one batch, because vectors are pooled within a batch, and buffers grow faster than the batch.
 */
export class GrowingContext<C extends { dispose(): Promise<void> }> {
  readonly #create: (size: number) => Promise<C>;
  readonly #largest: number;
  #current: { readonly context: C; readonly size: number } | undefined;

  /**
   * @param room Maximum number of tokens of a text.
   * @param create Creates a context for this many tokens, in one batch.
   */
  constructor(room: number, create: (size: number) => Promise<C>) {
    // One more than the text: the binding keeps one token free.
    this.#largest = Math.ceil((room + 1) / CONTEXT_STEP) * CONTEXT_STEP;
    this.#create = create;
  }

  /** Returns a context for a text of this many tokens. */
  async holding(tokens: number): Promise<C> {
    if (this.#current !== undefined && this.#current.size > tokens) return this.#current.context;
    await this.drop();
    let size = SMALLEST_CONTEXT;
    while (size <= tokens) size *= 2;
    size = Math.min(size, this.#largest);
    const context = await this.#create(size);
    this.#current = { context, size };
    return context;
  }

  /** Frees the memory. The next text gets a new context. */
  async drop(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    await current?.context.dispose();
  }
}
