import { ChannelReader } from './channel-reader.ts';
import { markersOf, type ReasoningMarkup } from './formats.ts';
import { MarkerScanner, type Scanned } from './marker-scanner.ts';
import type { MarkupReader, Separated } from './segment.ts';
import { TagReader } from './tag-reader.ts';

/** Options of a splitter. */
export interface SplitterOptions {
  readonly markup: ReasoningMarkup;
  /** The prompt, or its end, which may open reasoning or close it. */
  readonly prompt: string;
  /** Markers that are tokens of the vocabulary: in text, they are only mentioned. */
  readonly tokens: ReadonlySet<string>;
  /** Whether headers may announce tool calls. */
  readonly hasCalls?: boolean;
}

/** Separates the output of a model into reasoning and answer as it arrives. */
export class ReasoningSplitter {
  readonly #reader: MarkupReader;
  readonly #scanner: MarkerScanner;

  constructor({ markup, prompt, tokens, hasCalls = false }: SplitterOptions) {
    this.#reader = readerFor(markup, prompt, hasCalls);
    this.#scanner = new MarkerScanner(markersOf(markup).filter((marker) => !tokens.has(marker)));
  }

  /** Whether the next text is reasoning. */
  get isReasoning(): boolean {
    return this.#reader.isReasoning;
  }

  /** Whether the next text is, or may be, the answer. */
  get isAnswering(): boolean {
    return this.#reader.isAnswering;
  }

  /** Whether the next text starts a header. */
  get isAtHeader(): boolean {
    return this.#reader.isAtHeader ?? false;
  }

  /** Returns the waiting text, because something other than text follows. */
  flush(): Separated[] {
    return this.#read(this.#scanner.flush());
  }

  push(text: string): Separated[] {
    return this.#read(this.#scanner.push(text));
  }

  /** Adds a token that is a marker. */
  pushMarker(marker: string, isControl: boolean): Separated[] {
    return [...this.#read(this.#scanner.flush()), ...this.#reader.marker(marker, isControl)];
  }

  /** Ends the reasoning as if the model had ended it. The answer follows. */
  close(): Separated[] {
    return [...this.#read(this.#scanner.flush()), ...this.#reader.close()];
  }

  /** Returns the remaining text at the end. */
  end(): Separated[] {
    return [...this.#read(this.#scanner.flush()), ...this.#reader.end()];
  }

  #read(scanned: readonly Scanned[]): Separated[] {
    return scanned.flatMap((part) =>
      'marker' in part ? this.#reader.marker(part.marker, false) : this.#reader.text(part.text),
    );
  }
}

function readerFor(markup: ReasoningMarkup, prompt: string, hasCalls: boolean): MarkupReader {
  if (markup.channels === undefined) return new TagReader(markup, prompt);
  const reader = new ChannelReader(markup.channels, hasCalls);
  // The prompt ends inside a header.
  const { start } = markup.channels;
  const at = prompt.lastIndexOf(start);
  if (at === -1) return reader;
  const turn = new MarkerScanner(markersOf(markup)).push(prompt.slice(at));
  for (const part of turn) {
    if ('marker' in part) reader.marker(part.marker, true);
    else reader.text(part.text);
  }
  return reader;
}
