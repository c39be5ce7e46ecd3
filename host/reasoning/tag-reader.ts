import { endsClosed, openedTag, type ReasoningMarkup, type TagFormat } from './formats.ts';
import { type MarkupReader, SegmentWriter, type Separated } from './segment.ts';

/**
 * Reads reasoning between tags. A tag is markup only if it opens reasoning before the answer, or closes open reasoning.
 * Elsewhere it is text, so an answer may mention it. Control tokens are always markup.
 */
export class TagReader implements MarkupReader {
  readonly #markup: ReasoningMarkup;
  readonly #writer = new SegmentWriter();
  /** `gap` is the place between the markup and the answer. */
  #state: 'start' | 'reasoning' | 'gap' | 'answer' = 'start';
  #format: TagFormat | undefined;
  /** The marker that ends the answer, if one began it. */
  #wrapperClose: string | undefined;
  /** White space, and possibly the end of the wrapper: dropped if the answer ends with it. */
  #pending = '';
  /** The part of the block's label that has been read. */
  #label: string | undefined;

  /** @param prompt May open a block at its end, or close one. */
  constructor(markup: ReasoningMarkup, prompt: string) {
    this.#markup = markup;
    const opened = openedTag(markup, prompt);
    if (opened !== undefined) this.#open(opened);
    else if (endsClosed(markup, prompt)) this.#state = 'gap';
  }

  get isReasoning(): boolean {
    return this.#state === 'reasoning';
  }

  get isAnswering(): boolean {
    return this.#state !== 'reasoning';
  }

  text(text: string): Separated[] {
    this.#text(text);
    return this.#writer.take();
  }

  marker(marker: string, isControl: boolean): Separated[] {
    const isMarkup =
      this.#state === 'reasoning'
        ? this.#inReasoning(marker)
        : this.#state === 'answer'
          ? this.#inAnswer(marker, isControl)
          : this.#beforeAnswer(marker);
    if (!isMarkup && !isControl) this.#text(marker);
    return this.#writer.take();
  }

  close(): Separated[] {
    if (this.#state === 'reasoning') this.#close();
    return this.#writer.take();
  }

  end(): Separated[] {
    if (this.#state === 'start') this.#writer.answer(this.#pending);
    this.#pending = '';
    return this.#writer.take();
  }

  #text(text: string): void {
    if (this.#state === 'reasoning') {
      this.#reasoning(text);
      return;
    }
    const whole = this.#pending + text;
    const isFirst = this.#state !== 'answer';
    if (isFirst && whole.trimStart() === '') {
      this.#pending = whole;
      return;
    }
    // White space between the markup and the answer is dropped.
    const written = this.#state === 'gap' ? whole.trimStart() : whole;
    this.#state = 'answer';
    const end = this.#wrapperClose === undefined ? written.length : this.#endOfAnswer(written);
    this.#pending = written.slice(end);
    this.#writer.answer(written.slice(0, end));
  }

  /** Returns the length of the text without trailing white space and the end of the wrapper. */
  #endOfAnswer(text: string): number {
    const trimmed = text.trimEnd();
    const close = this.#wrapperClose ?? '';
    return trimmed.endsWith(close) ? trimmed.slice(0, trimmed.length - close.length).trimEnd().length : trimmed.length;
  }

  #reasoning(text: string): void {
    const expected = this.#format?.label;
    if (expected === undefined || this.#label === undefined) {
      this.#writer.reasoning(text);
      return;
    }
    const whole = this.#label + text;
    this.#label = whole;
    if (whole.length < expected.length && expected.startsWith(whole)) return;
    this.#label = undefined;
    this.#writer.reasoning(whole.startsWith(expected) ? whole.slice(expected.length) : whole);
  }

  #beforeAnswer(marker: string): boolean {
    const format = this.#markup.tags.find(({ open }) => open === marker);
    const isClose = this.#markup.tags.some(({ close }) => close === marker);
    const wrapper = this.#markup.wrappers.find(({ open }) => open === marker);
    if (format !== undefined) this.#open(format);
    else if (isClose || wrapper !== undefined) this.#beginAnswer(marker);
    return format !== undefined || isClose || wrapper !== undefined;
  }

  #inReasoning(marker: string): boolean {
    if (marker === this.#format?.close) {
      this.#close();
      return true;
    }
    // Some models repeat the opening tag of the prompt.
    return marker === this.#format?.open && this.#writer.atBlockStart;
  }

  #inAnswer(marker: string, isControl: boolean): boolean {
    const format = isControl ? this.#markup.tags.find(({ open }) => open === marker) : undefined;
    if (format !== undefined) this.#open(format);
    return format !== undefined;
  }

  #open(format: TagFormat): void {
    this.#format = format;
    this.#label = format.label === undefined ? undefined : '';
    this.#pending = '';
    this.#state = 'reasoning';
  }

  #close(): void {
    this.#writer.endBlock();
    this.#beginAnswer(this.#format?.close ?? '');
  }

  #beginAnswer(marker: string): void {
    this.#pending = '';
    this.#state = 'gap';
    this.#wrapperClose = this.#markup.wrappers.find(({ open }) => open === marker)?.close ?? this.#wrapperClose;
  }
}
