/** Text of a generation, and its kind. */
export interface Segment {
  readonly kind: 'answer' | 'reasoning';
  readonly text: string;
}

/** A segment, or the beginning of a tool call that a header announces. */
export type Separated = Segment | { readonly kind: 'call'; readonly text: string };

/** Separates reasoning from the answer by the markers between them. */
export interface MarkupReader {
  /** Whether the next text is reasoning. */
  readonly isReasoning: boolean;
  /** Whether the next text is, or may be, the answer. */
  readonly isAnswering: boolean;
  /** Whether the next text starts a header. */
  readonly isAtHeader?: boolean;
  text(text: string): Separated[];
  /** @param isControl Whether the marker is a control token, which is never part of an answer. */
  marker(marker: string, isControl: boolean): Separated[];
  /** Ends the reasoning. The answer follows. */
  close(): Separated[];
  end(): Separated[];
}

/** Collects the segments of one step. Trims each block of reasoning, and separates blocks. */
export class SegmentWriter {
  #segments: Separated[] = [];
  /** White space that is written only if more reasoning follows. */
  #space = '';
  #hasReasoning = false;

  answer(text: string): void {
    if (text !== '') this.#segments.push({ kind: 'answer', text });
  }

  reasoning(text: string): void {
    const whole = this.#space + text;
    const end = whole.trimEnd().length;
    this.#space = whole.slice(end);
    const written = this.#hasReasoning ? whole.slice(0, end) : whole.slice(0, end).trimStart();
    if (written === '') {
      if (!this.#hasReasoning) this.#space = '';
      return;
    }
    this.#hasReasoning = true;
    this.#segments.push({ kind: 'reasoning', text: written });
  }

  /** Ends a block of reasoning. */
  endBlock(): void {
    this.#space = this.#hasReasoning ? '\n\n' : '';
  }

  /** Whether the block contains only white space so far. */
  get atBlockStart(): boolean {
    return !this.#hasReasoning || this.#space === '\n\n';
  }

  call(text: string): void {
    this.#segments.push({ kind: 'call', text });
  }

  take(): Separated[] {
    const segments = this.#segments;
    this.#segments = [];
    return segments;
  }
}
