import {
  type GenerationProgress,
  type GenerationResult,
  type GenerationUsage,
  MAX_OUTPUT_BYTES,
} from '../../../models/generation.ts';
import { ReasoningSplitter } from '../../../reasoning/reasoning-splitter.ts';
import type { Segment } from '../../../reasoning/segment.ts';
import type { Model, Token } from '../binding-types.ts';
import { GroupedText } from './grouped-text.ts';
import type { PromptReasoning } from './prompt-tokens.ts';
import { StopScanner } from './stop-scanner.ts';
import { TokenText } from './token-text.ts';

/** The output of one generation: takes tokens, and produces text in events and as a whole. */
export class Output {
  readonly #maxTokens: number;
  readonly #tokenText: TokenText<Token>;
  readonly #stops: StopScanner;
  readonly #grouped: GroupedText;
  readonly #begin: number;
  readonly #report: (progress: GenerationProgress) => void;
  #promptDone: number;
  #firstToken: number | undefined;
  #last: number;
  #tokens = 0;
  #stopFound = false;
  readonly #splitter: ReasoningSplitter | undefined;
  readonly #reasoning: PromptReasoning | undefined;
  readonly #ignored: readonly string[];
  #reasoningTokens = 0;
  /** The kind of the text that has not been sent. */
  #kind: Segment['kind'] = 'answer';
  #text = '';
  #reasoningText = '';
  #bytes = 0;

  constructor(options: {
    model: Model;
    prompt: readonly Token[];
    /** Texts that end the answer. In reasoning they have no meaning. */
    stop: readonly string[];
    reasoning: PromptReasoning | undefined;
    ignored: readonly string[];
    maxTokens: number;
    /** When the request started to run, in the time of `performance.now()`. */
    begin: number;
    report: (progress: GenerationProgress) => void;
  }) {
    const { model, prompt, stop, maxTokens, begin, report } = options;
    this.#begin = begin;
    this.#promptDone = begin;
    this.#last = begin;
    this.#maxTokens = maxTokens;
    this.#report = report;
    this.#tokenText = new TokenText((tokens, before) => model.detokenize(tokens, false, before), prompt);
    this.#stops = new StopScanner(stop);
    const { reasoning, ignored } = options;
    this.#reasoning = reasoning;
    this.#ignored = ignored;
    this.#splitter =
      reasoning &&
      new ReasoningSplitter({
        ...reasoning,
        tokens: new Set([...reasoning.markers.values()].map((marker) => marker.text)),
      });
    this.#grouped = new GroupedText((text) =>
      report({
        type: 'text',
        kind: this.#kind,
        text,
        numTokens: this.#tokens,
        tokensPerSecond: this.#tokensPerSecond(),
      }),
    );
  }

  /** Reports how much of the prompt has been evaluated. */
  promptProgress(processed: number, total: number): void {
    this.#promptDone = performance.now();
    this.#report({ type: 'prompt', processed, total });
  }

  /** Adds a token. Returns the reason if the output must end with it, otherwise undefined. */
  push(token: Token): GenerationResult['finishReason'] | undefined {
    this.#last = performance.now();
    this.#firstToken ??= this.#last;
    this.#tokens += 1;
    const wasReasoning = this.#isReasoning();
    this.#take(token);
    // The markers on both sides count as reasoning.
    if (wasReasoning || this.#isReasoning()) this.#reasoningTokens += 1;
    if (this.#stopFound) return 'stop';
    return this.#tokens >= this.#maxTokens || this.#bytes >= MAX_OUTPUT_BYTES ? 'length' : undefined;
  }

  /** Whether the next token belongs, or may belong, to the answer. */
  get isAnswering(): boolean {
    return this.#splitter?.isAnswering ?? true;
  }

  /** Whether the reasoning has used all the tokens it may use. */
  get reasonsTooLong(): boolean {
    const limit = this.#reasoning?.maxTokens;
    return limit !== undefined && this.#isReasoning() && this.#reasoningTokens >= limit;
  }

  /** Ends the reasoning; the answer follows. */
  closeReasoning(): void {
    this.#split(this.#tokenText.end());
    this.#addAll(this.#splitter?.close() ?? []);
  }

  /**
   * Sends the remaining text and returns the result. After a stop sequence, text that was held back does not belong to
   * the output.
   */
  end(
    finishReason: GenerationResult['finishReason'],
    counts: Pick<GenerationUsage, 'promptTokens' | 'cachedPromptTokens'>,
  ): GenerationResult {
    if (!this.#stopFound) this.#split(this.#tokenText.end());
    if (!this.#stopFound) this.#addAll(this.#splitter?.end() ?? []);
    if (!this.#stopFound) this.#add('answer', this.#stops.end());
    this.#grouped.flush();
    return {
      text: this.#text,
      reasoning: this.#reasoningText,
      ignored: this.#ignored,
      finishReason: this.#stopFound ? 'stop' : finishReason,
      usage: {
        ...counts,
        completionTokens: this.#tokens,
        reasoningTokens: this.#reasoningTokens,
        timeToFirstTokenMs: this.#firstToken === undefined ? null : round(this.#firstToken - this.#begin),
        tokensPerSecond: this.#tokensPerSecond(),
      },
    };
  }

  /** Drops the text that has not been sent. */
  discard(): void {
    this.#grouped.discard();
  }

  #isReasoning(): boolean {
    return this.#splitter?.isReasoning ?? false;
  }

  #take(token: Token): void {
    const marker = this.#reasoning?.markers.get(token);
    if (marker === undefined) {
      this.#split(this.#tokenText.push(token));
      return;
    }
    this.#split(this.#tokenText.end());
    this.#tokenText.skip(token);
    this.#addAll(this.#splitter?.pushMarker(marker.text, marker.isControl) ?? []);
  }

  #split(text: string): void {
    this.#addAll(this.#splitter?.push(text) ?? [{ kind: 'answer', text }]);
  }

  #addAll(segments: readonly Segment[]): void {
    for (const { kind, text } of segments) {
      if (this.#stopFound) return;
      if (kind === 'reasoning') {
        this.#add(kind, text);
        continue;
      }
      const { text: free, found } = this.#stops.push(text);
      this.#add(kind, free);
      this.#stopFound = found;
    }
  }

  #add(kind: Segment['kind'], text: string): void {
    if (text === '') return;
    if (kind === 'answer') this.#text += text;
    else this.#reasoningText += text;
    this.#bytes += Buffer.byteLength(JSON.stringify(text)) - 2;
    // Pending text is of one kind.
    if (kind !== this.#kind) this.#grouped.flush();
    this.#kind = kind;
    this.#grouped.push(text);
  }

  #tokensPerSecond(): number {
    const seconds = (this.#last - this.#promptDone) / 1000;
    return seconds > 0 ? round(this.#tokens / seconds) : 0;
  }
}

function round(number: number): number {
  return Math.round(number * 100) / 100;
}
