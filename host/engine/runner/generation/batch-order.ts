/** A sequence's tokens that wait for evaluation, as the binding passes them. */
export interface BatchItem {
  readonly tokens: readonly unknown[];
  /** By the index of the token: whether its result is needed, to sample the next token. */
  readonly logits: readonly (true | undefined)[];
}

/** How much of an item is in the next batch. */
export interface BatchShare<T extends BatchItem> {
  readonly item: T;
  readonly processAmount: number;
}

/**
 * Most times that the binding looks again for items before a batch is evaluated without a sequence that is about to
 * continue. Each time takes a few microseconds; a sequence needs one or two.
 */
const MAX_LOOKS = 20;

/**
 * Decides which tokens of all sequences llama.cpp evaluates in the next batch: the next token of every running generation,
 * and pieces of prompts. The last piece of a short prompt goes before pieces of longer ones, so that its first token
 * does not wait for them; a piece is passed over at most once.
 */
export class BatchOrder {
  /** Sequences that generate tokens. */
  #generating = 0;
  #looks = 0;
  #passedOver = new WeakSet<readonly unknown[]>();

  /** Counts one more sequence that generates tokens, until the returned function is called. */
  generating(): () => void {
    this.#generating += 1;
    return () => {
      this.#generating -= 1;
    };
  }

  /** Returns the next batch; an empty one if the binding must look again for items first. */
  plan<T extends BatchItem>(items: readonly T[]): BatchShare<T>[] {
    const next = items.filter(isNextToken);
    // The binding looks for items as soon as one sequence has its token, while others are about to get theirs: without
    // this, one of several generations would stand still until another one ended.
    if (next.length < this.#generating && this.#looks < MAX_LOOKS) {
      this.#looks += 1;
      return [];
    }
    this.#looks = 0;
    const prompts = items.filter((item) => !isNextToken(item)).sort((a, b) => a.tokens.length - b.tokens.length);
    const [shortest] = prompts;
    const isQuick = shortest !== undefined && endsPrompt(shortest);
    const chosen = prompts.filter((item) => !isQuick || item === shortest || this.#passedOver.has(item.tokens));
    this.#passedOver = new WeakSet(prompts.filter((item) => !chosen.includes(item)).map(({ tokens }) => tokens));
    return [...next, ...chosen].map((item) => ({ item, processAmount: item.tokens.length }));
  }
}

function isNextToken({ tokens, logits }: BatchItem): boolean {
  return tokens.length === 1 && logits[0] === true;
}

function endsPrompt({ tokens, logits }: BatchItem): boolean {
  return logits[tokens.length - 1] === true;
}
