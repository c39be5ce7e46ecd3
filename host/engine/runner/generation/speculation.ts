import type { Token } from '../binding-types.ts';

/** Length of the first draft and of the shortest one, tokens. A batch of 4 takes little more time than one token. */
const FIRST_DRAFT = 3;
const SHORTEST_DRAFT = 2;

/** Weight of a new measurement in the average time of a token. */
const NEW_WEIGHT = 0.2;

/** Loss at which drafts are paused, in multiples of a token's time. */
const LARGEST_LOSS = 2;

/** Tokens generated without drafts after a loss: at first, and at most. The pause doubles with every further loss. */
const SHORTEST_PAUSE = 16;
const LONGEST_PAUSE = 512;

/** Predicts tokens from those that were generated. */
export interface Predictor {
  pushTokens(tokens: Token[]): void;
  /** Returns the tokens that are likely to come next, at most `longest`; none if it cannot tell. */
  predictTokens(longest: number): Token[] | Promise<Token[]>;
}

/** How long drafts are paused. Kept for several outputs if they say something about the next one. */
export class DraftPauses {
  #next = SHORTEST_PAUSE;
  #left = 0;

  get isPaused(): boolean {
    return this.#left > 0;
  }

  /** Pauses for twice as long as after the last loss. */
  start(): void {
    this.#left = this.#next;
    this.#next = Math.min(LONGEST_PAUSE, 2 * this.#next);
  }

  /** Counts a token that was generated without a draft. */
  countToken(): void {
    this.#left -= 1;
  }

  /** Lets the next pause be short again. */
  reset(): void {
    this.#next = SHORTEST_PAUSE;
  }
}

/**
 * Decides how many tokens are drafted. llama.cpp evaluates a draft in one batch, and the tokens up to the first one that the
 * model would not have generated are used. That saves time only if enough of them are right and a batch takes less time
 * than single tokens, so drafting pauses after it has cost time.
 */
export class Speculation {
  readonly #predictor: Predictor;
  readonly #longest: number;
  #length: number;
  /** Average time of a token without a draft, milliseconds; undefined before it was measured. */
  #tokenMs: number | undefined;
  /** Time that drafts have saved, milliseconds. */
  #saved = 0;
  readonly #pauses: DraftPauses;

  /** @param longest Most tokens of a draft. */
  constructor(predictor: Predictor, longest: number, pauses = new DraftPauses()) {
    this.#predictor = predictor;
    this.#longest = longest;
    this.#pauses = pauses;
    this.#length = Math.min(FIRST_DRAFT, longest);
  }

  /** Adds generated tokens. */
  push(tokens: Token[]): void {
    this.#predictor.pushTokens(tokens);
  }

  /** Returns a draft of the next tokens, of at most `room`; an empty one while drafts are paused. */
  async draft(room: number): Promise<Token[]> {
    const length = Math.min(this.#length, room);
    if (this.#tokenMs === undefined || this.#pauses.isPaused || length <= 0) return [];
    return (await this.#predictor.predictTokens(length)).slice(0, length);
  }

  /** Records the time of a token without a draft. */
  learnToken(milliseconds: number): void {
    this.#pauses.countToken();
    this.#tokenMs =
      this.#tokenMs === undefined ? milliseconds : this.#tokenMs + NEW_WEIGHT * (milliseconds - this.#tokenMs);
  }

  /**
   * Records how many tokens of a draft the model generated, and the time that drafting and checking it took with the token
   * that follows.
   */
  learnDraft({ drafted, accepted, milliseconds }: { drafted: number; accepted: number; milliseconds: number }): void {
    const tokenMs = this.#tokenMs ?? 0;
    const length = accepted === drafted ? 2 * drafted : accepted;
    this.#length = Math.min(this.#longest, Math.max(SHORTEST_DRAFT, length));
    this.#saved = Math.min(0, this.#saved) + (accepted + 1) * tokenMs - milliseconds;
    if (this.#saved > 0) this.#pauses.reset();
    if (this.#saved > -LARGEST_LOSS * tokenMs) return;
    this.#saved = 0;
    this.#length = Math.min(FIRST_DRAFT, this.#longest);
    this.#pauses.start();
  }
}
