/**
 * Shortest time between two pieces of text that are sent, milliseconds: at most 30 a second, about what the eye can
 * distinguish.
 */
const TEXT_INTERVAL_MS = 34;

/** Combines small pieces of text into larger ones and sends them in order, at most one per interval. */
export class GroupedText {
  readonly #send: (text: string) => void;
  readonly #intervalMs: number;
  #text = '';
  #lastSent = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (text: string) => void, intervalMs: number = TEXT_INTERVAL_MS) {
    this.#send = send;
    this.#intervalMs = intervalMs;
  }

  /** Adds a piece, which is sent now, or with others when the interval is over. */
  push(text: string): void {
    if (text === '') return;
    this.#text += text;
    const wait = this.#lastSent + this.#intervalMs - performance.now();
    if (wait <= 0) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), Math.ceil(wait));
  }

  /** Sends the pending text at once, at the end of the work. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#text === '') return;
    const text = this.#text;
    this.#text = '';
    this.#lastSent = performance.now();
    this.#send(text);
  }

  /** Drops the pending text after the work has failed. */
  discard(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#text = '';
  }
}
