import type { ChannelFormat, ChannelKind } from './formats.ts';
import { type MarkupReader, type Segment, SegmentWriter } from './segment.ts';

/** Longest header, characters. What is longer is no header. */
const MAX_HEADER_CHARACTERS = 512;

/** The role of the model, which a header begins with, and whom its message is for. */
const HEADER = /^\s*(?:assistant)?\s*(?:to=\S*)?\s*$/;
const HEADER_BEGINNINGS = ['assistant', 'to='];

/** Reads messages of channels (see {@link ChannelFormat}). Text without a header is the answer. */
export class ChannelReader implements MarkupReader {
  readonly #format: ChannelFormat;
  readonly #writer = new SegmentWriter();
  #state: 'role' | 'channel' | 'body' = 'role';
  /** Text of the header so far. */
  #header = '';
  /** Whether no marker has been read yet: then text continues the prompt unchanged. */
  #isFirst = true;
  #kind: ChannelKind = 'answer';
  /** Whether the body has text. */
  #hasText = false;

  constructor(format: ChannelFormat) {
    this.#format = format;
  }

  get isReasoning(): boolean {
    return this.#state === 'body' && this.#kind === 'reasoning';
  }

  get isAnswering(): boolean {
    return this.#state === 'body' && this.#kind === 'answer';
  }

  text(text: string): Segment[] {
    if (this.#state === 'body') {
      this.#body(text);
    } else {
      this.#header += text;
      const isHeader = this.#state === 'role' ? isRole(this.#header) : this.#header.length <= MAX_HEADER_CHARACTERS;
      if (!isHeader) this.#headless();
    }
    return this.#writer.take();
  }

  marker(marker: string, _isControl: boolean): Segment[] {
    const { start, channel, bodies, ends } = this.#format;
    const kind = bodies.get(marker);
    if (kind !== undefined && this.#state !== 'body') {
      const name = this.#header.trim().split(/\s/)[0] ?? '';
      const hasReasoning = this.#state === 'channel' && this.#format.reasoningChannels.has(name);
      this.#begin(hasReasoning ? 'reasoning' : kind);
    } else if (marker === channel) {
      this.#endBody();
      this.#state = 'channel';
      this.#header = '';
    } else if (marker === start || ends.includes(marker)) {
      this.#endBody();
      this.#state = 'role';
      this.#header = '';
      this.#isFirst = false;
    } else if (this.#state !== 'body') {
      this.#header += ' ';
    }
    return this.#writer.take();
  }

  close(): Segment[] {
    this.#endBody();
    this.#begin('answer');
    return this.#writer.take();
  }

  end(): Segment[] {
    if (this.#state === 'role' && !HEADER.test(this.#header)) this.#headless();
    return this.#writer.take();
  }

  #begin(kind: ChannelKind): void {
    this.#state = 'body';
    this.#kind = kind;
    this.#header = '';
    this.#hasText = false;
  }

  #endBody(): void {
    if (this.isReasoning) this.#writer.endBlock();
  }

  /** What came as a header is the answer. The role before it is not. */
  #headless(): void {
    const text = this.#isFirst ? this.#header : this.#header.replace(/^\s*assistant/, '');
    this.#begin('answer');
    // Nothing stands between the prompt and this text.
    this.#hasText = this.#isFirst;
    this.#body(text);
  }

  #body(text: string): void {
    if (this.#kind === 'reasoning') {
      this.#writer.reasoning(text);
      return;
    }
    const written = this.#hasText ? text : text.trimStart();
    this.#hasText ||= written !== '';
    this.#writer.answer(written);
  }
}

/** Whether text is, or may become, the beginning of a header. */
function isRole(text: string): boolean {
  const last = text.trimStart().split(/\s+/).at(-1) ?? '';
  return (
    HEADER.test(text) ||
    (HEADER_BEGINNINGS.some((begin) => begin.startsWith(last)) && HEADER.test(text.slice(0, text.length - last.length)))
  );
}
