import type { ChannelFormat, ChannelKind } from './formats.ts';
import { type MarkupReader, SegmentWriter, type Separated } from './segment.ts';

/** Longest header, characters. Longer text is part of the answer. */
const MAX_HEADER_CHARACTERS = 512;

/** A header: the role of the model, and the recipient of the message. */
const HEADER = /^\s*(?:assistant)?\s*(?:to=\S*)?\s*$/;
const HEADER_BEGINNINGS = ['assistant', 'to='];

/** Prefix of the recipient of a message that is a tool call. */
const RECIPIENT = 'to=functions.';

/** Reads messages of channels (see {@link ChannelFormat}). Text without a header is the answer. */
export class ChannelReader implements MarkupReader {
  readonly #format: ChannelFormat;
  readonly #writer = new SegmentWriter();
  readonly #hasCalls: boolean;
  /** `call`: after a header that announced a tool call. */
  #state: 'role' | 'channel' | 'body' | 'call' = 'role';
  /** Text of the header so far. */
  #header = '';
  /** Whether no marker has been read yet: then text continues the prompt unchanged. */
  #isFirst = true;
  #kind: ChannelKind = 'answer';
  /** Whether the body has text. */
  #hasText = false;

  /** @param hasCalls Whether a header may announce a tool call, which then starts at {@link RECIPIENT}. */
  constructor(format: ChannelFormat, hasCalls = false) {
    this.#format = format;
    this.#hasCalls = hasCalls;
  }

  get isAtHeader(): boolean {
    return this.#state === 'role' && this.#header.trim() === '';
  }

  get isReasoning(): boolean {
    return this.#state === 'body' && this.#kind === 'reasoning';
  }

  get isAnswering(): boolean {
    return this.#state === 'body' && this.#kind === 'answer';
  }

  text(text: string): Separated[] {
    if (this.#state === 'body') {
      this.#body(text);
    } else if (this.#state !== 'call') {
      this.#header += text;
      if (this.#beginCall()) return this.#writer.take();
      const isHeader = this.#state === 'role' ? isRole(this.#header) : this.#header.length <= MAX_HEADER_CHARACTERS;
      if (!isHeader) this.#headless();
    }
    return this.#writer.take();
  }

  marker(marker: string, _isControl: boolean): Separated[] {
    const { start, channel, bodies, ends } = this.#format;
    const kind = bodies.get(marker);
    if (this.#state === 'call' && marker !== start && !ends.includes(marker)) return [];
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

  close(): Separated[] {
    this.#endBody();
    this.#begin('answer');
    return this.#writer.take();
  }

  end(): Separated[] {
    if (this.#state === 'role' && !HEADER.test(this.#header)) this.#headless();
    return this.#writer.take();
  }

  /** Starts a tool call if the header announces one. Returns whether it does. */
  #beginCall(): boolean {
    const at = this.#hasCalls ? this.#header.indexOf(RECIPIENT) : -1;
    if (at === -1) return false;
    this.#state = 'call';
    this.#writer.call(this.#header.slice(at));
    return true;
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

  /** Treats the text of the header, except the role, as the answer. */
  #headless(): void {
    const text = this.#isFirst ? this.#header : this.#header.replace(/^\s*assistant/, '');
    this.#begin('answer');
    // The text continues the prompt, so its white space is kept.
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

/** Returns whether text is, or may become, the beginning of a header. */
function isRole(text: string): boolean {
  const last = text.trimStart().split(/\s+/).at(-1) ?? '';
  return (
    HEADER.test(text) ||
    (HEADER_BEGINNINGS.some((begin) => begin.startsWith(last)) && HEADER.test(text.slice(0, text.length - last.length)))
  );
}
