import {
  type GenerationProgress,
  type GenerationResult,
  type GenerationUsage,
  MAX_OUTPUT_BYTES,
} from '../../../models/generation.ts';
import { ReasoningSplitter } from '../../../reasoning/reasoning-splitter.ts';
import type { Segment, Separated } from '../../../reasoning/segment.ts';
import type { CallConstraint, CallPart } from '../../../tools/call-reader.ts';
import type { ToolCall } from '../../../tools/tool-function.ts';
import type { Model, Token } from '../binding-types.ts';
import { GroupedText } from './grouped-text.ts';
import type { PromptReasoning } from './prompt-tokens.ts';
import { StopScanner } from './stop-scanner.ts';
import { TokenText } from './token-text.ts';
import type { PromptCalls } from './tool-calls.ts';

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
  readonly #calls: PromptCalls | undefined;
  readonly #toolCalls: ToolCall[] = [];
  #hasReasoned = false;

  constructor(options: {
    model: Model;
    prompt: readonly Token[];
    /** Texts that end the answer. In reasoning they have no meaning. */
    stop: readonly string[];
    reasoning: PromptReasoning | undefined;
    ignored: readonly string[];
    /** How calls of tools are separated from the answer; undefined where there are none. */
    calls: PromptCalls | undefined;
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
    this.#calls = options.calls;
    this.#splitter =
      reasoning &&
      new ReasoningSplitter({
        ...reasoning,
        hasCalls: options.calls !== undefined,
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
    if (this.#calls?.isOver(this.#toolCalls.length) === true) return 'tool_calls';
    return this.#tokens >= this.#maxTokens || this.#bytes >= MAX_OUTPUT_BYTES ? 'length' : undefined;
  }

  /** Whether the next token belongs, or may belong, to the answer. */
  get isAnswering(): boolean {
    return this.#splitter?.isAnswering ?? true;
  }

  /** What the model may write next, because of a call. A new object whenever that changes. */
  get callConstraint(): CallConstraint | undefined {
    const calls = this.#calls;
    if (calls === undefined || this.#isReasoning()) return undefined;
    if (calls.reader.constraint !== undefined) {
      return this.#hasReasoned ? calls.reader.constraint : (calls.startConstraint ?? calls.reader.constraint);
    }
    if (this.#toolCalls.length > 0 || this.#splitter?.isAtHeader !== true) return undefined;
    return this.#hasReasoned ? calls.headerConstraint : calls.firstHeaderConstraint;
  }

  /** Whether calls are separated from the answer. */
  get mayCall(): boolean {
    return this.#calls !== undefined;
  }

  /** Whether the answer has become a call, or has one. */
  get hasCall(): boolean {
    return this.#toolCalls.length > 0 || this.#calls?.reader.isInCall === true;
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
    counts: Pick<GenerationUsage, 'promptTokens' | 'cachedPromptTokens' | 'predictedTokens'>,
  ): GenerationResult {
    if (!this.#stopFound) this.#split(this.#tokenText.end());
    if (!this.#stopFound) this.#addAll(this.#splitter?.end() ?? []);
    if (!this.#stopFound) this.#addParts(this.#calls?.reader.end() ?? []);
    if (!this.#stopFound) this.#add('answer', this.#stops.end());
    this.#grouped.flush();
    return {
      text: this.#text,
      reasoning: this.#reasoningText,
      toolCalls: this.#toolCalls,
      ignored: this.#ignored,
      finishReason: this.#reasonFor(finishReason),
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

  #reasonFor(finishReason: GenerationResult['finishReason']): GenerationResult['finishReason'] {
    const reason = this.#stopFound ? 'stop' : finishReason;
    return reason === 'stop' && this.#toolCalls.length > 0 ? 'tool_calls' : reason;
  }

  #isReasoning(): boolean {
    return this.#splitter?.isReasoning ?? false;
  }

  #take(token: Token): void {
    const marker = this.#reasoning?.markers.get(token);
    const callMarker = this.#calls?.markers.get(token);
    const reader = this.#calls?.reader;
    // In a call all text belongs to it, except that reasoning may come before one that has to come.
    const mayReason = reader?.isWaiting === true && (marker !== undefined || this.#isReasoning());
    const isRaw = reader?.isInCall === true && !mayReason;
    const known = isRaw ? (callMarker ?? marker) : (marker ?? callMarker);
    if (known === undefined) {
      const text = this.#tokenText.push(token);
      if (isRaw) this.#addParts(reader.text(text));
      else this.#split(text);
      // What waits because it may begin a marker is part of the call.
      if (!isRaw && reader?.isInCall === true && !reader.isWaiting) this.#addAll(this.#splitter?.flush() ?? []);
      return;
    }
    const before = this.#tokenText.end();
    if (isRaw) this.#addParts(reader.text(before));
    else this.#split(before);
    this.#tokenText.skip(token);
    if (isRaw && known.isControl) this.#addParts(reader.marker(known.text));
    else if (isRaw) this.#addParts(reader.text(known.text));
    else if (marker !== undefined) this.#addAll(this.#splitter?.pushMarker(marker.text, marker.isControl) ?? []);
    else this.#takeCallMarker(known.text);
    if (this.#isReasoning()) this.#hasReasoned = true;
  }

  /** A control token that begins a call: it also ends reasoning that the model has not closed. */
  #takeCallMarker(text: string): void {
    this.#addAll((this.#isReasoning() ? this.#splitter?.close() : this.#splitter?.flush()) ?? []);
    this.#addParts(this.#calls?.reader.marker(text) ?? []);
  }

  #split(text: string): void {
    this.#addAll(this.#splitter?.push(text) ?? [{ kind: 'answer', text }]);
    if (this.#isReasoning()) this.#hasReasoned = true;
  }

  #addAll(segments: readonly Separated[]): void {
    for (const { kind, text } of segments) {
      if (this.#stopFound) return;
      if (kind === 'reasoning') this.#add(kind, text);
      else if (this.#calls !== undefined) this.#addParts(this.#calls.reader.text(text));
      else this.#answer(text);
    }
  }

  #addParts(parts: readonly CallPart[]): void {
    for (const part of parts) {
      if ('text' in part) this.#answer(part.text);
      else this.#addCall(part.call);
    }
  }

  #answer(text: string): void {
    if (this.#stopFound) return;
    const { text: free, found } = this.#stops.push(text);
    this.#add('answer', free);
    this.#stopFound = found;
  }

  #addCall(call: ToolCall): void {
    if (this.#stopFound) return;
    // Text before a call comes before it, in events too: nothing in it can become a stop sequence any more.
    this.#add('answer', this.#stops.end());
    this.#grouped.flush();
    this.#bytes += Buffer.byteLength(JSON.stringify(call));
    this.#report({ type: 'toolCall', index: this.#toolCalls.length, call });
    this.#toolCalls.push(call);
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
