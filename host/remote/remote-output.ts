import type { ProgressListener } from '../common/progress.ts';
import { type GenerationProgress, type GenerationResult, MAX_OUTPUT_BYTES } from '../models/generation.ts';
import type { Segment } from '../reasoning/segment.ts';
import type { ToolCall } from '../tools/tool-function.ts';
import type { ChunkFacts } from './chunk.ts';
import { RemoteCalls } from './remote-calls.ts';

/** The output of one generation of a remote engine so far. */
export class RemoteOutput {
  readonly #begin = performance.now();
  readonly #report: ProgressListener<GenerationProgress>;
  readonly #ignored: readonly string[];
  #text = '';
  #bytes = 0;
  #reasoning = '';
  /** The first half of a surrogate pair whose second half comes with the next event. */
  readonly #surrogate = { answer: '', reasoning: '' };
  readonly #calls = new RemoteCalls();
  readonly #toolCalls: ToolCall[] = [];
  #pieces = 0;
  #reasoningPieces = 0;
  #first: number | undefined;
  #last = this.#begin;
  #usage: ChunkFacts['usage'];

  /** @param ignored Names of settings that the engine was not given. */
  constructor(report: ProgressListener<GenerationProgress>, ignored: readonly string[]) {
    this.#report = report;
    this.#ignored = ignored;
  }

  /** Number of events with text or reasoning: tokens, with nearly every engine. */
  get pieces(): number {
    return this.#pieces;
  }

  /** True when the output has reached its limit. */
  get isFull(): boolean {
    return this.#bytes >= MAX_OUTPUT_BYTES;
  }

  /** @throws RemoteCallError */
  push({ text, reasoning, calls, usage }: ChunkFacts): void {
    this.#usage = usage ?? this.#usage;
    if (text === '' && reasoning === '' && calls.length === 0) return;
    this.#last = performance.now();
    this.#first ??= this.#last;
    this.#pieces += 1;
    if (text === '' && calls.length === 0) this.#reasoningPieces += 1;
    this.#reasoning += this.#add('reasoning', reasoning);
    this.#text += this.#add('answer', text);
    this.#bytes += Buffer.byteLength(JSON.stringify(calls)) - 2;
    this.#addCalls(this.#calls.push(calls));
  }

  /**
   * Ends the answer, so that its last call is complete.
   *
   * @throws RemoteCallError
   */
  complete(): void {
    this.#addCalls(this.#calls.end());
  }

  #addCalls(calls: readonly { readonly index: number; readonly call: ToolCall }[]): void {
    for (const { index, call } of calls) {
      this.#toolCalls.push(call);
      this.#report({ type: 'toolCall', index, call });
    }
  }

  /** Sends the text, but for half a character at its end, and returns what was sent. */
  #add(kind: Segment['kind'], text: string): string {
    if (text === '') return '';
    const whole = this.#surrogate[kind] + text;
    const half = /[\ud800-\udbff]$/.test(whole) ? whole.slice(-1) : '';
    this.#surrogate[kind] = half;
    const shown = whole.slice(0, whole.length - half.length).toWellFormed();
    if (shown === '') return '';
    this.#bytes += Buffer.byteLength(JSON.stringify(shown)) - 2;
    const tokensPerSecond = this.#speed(this.#pieces);
    this.#report({ type: 'text', kind, text: shown, numTokens: this.#pieces, tokensPerSecond });
    return shown;
  }

  /** Returns the result, with the engine's own counts where it sent any. */
  result(finishReason: GenerationResult['finishReason']): GenerationResult {
    const completionTokens = this.#usage?.completion_tokens ?? this.#pieces;
    return {
      text: this.#text,
      reasoning: this.#reasoning,
      toolCalls: this.#toolCalls,
      ignored: this.#ignored,
      finishReason: finishReason === 'stop' && this.#toolCalls.length > 0 ? 'tool_calls' : finishReason,
      usage: {
        promptTokens: this.#usage?.prompt_tokens ?? 0,
        cachedPromptTokens: this.#usage?.prompt_tokens_details?.cached_tokens ?? 0,
        completionTokens,
        reasoningTokens: this.#usage?.completion_tokens_details?.reasoning_tokens ?? this.#reasoningPieces,
        timeToFirstTokenMs: this.#first === undefined ? null : round(this.#first - this.#begin),
        tokensPerSecond: this.#speed(completionTokens),
      },
    };
  }

  /** Measured from the first text; how long the prompt takes is not known. */
  #speed(tokens: number): number {
    const seconds = (this.#last - (this.#first ?? this.#last)) / 1000;
    return seconds > 0 ? round(tokens / seconds) : 0;
  }
}

function round(number: number): number {
  return Math.round(number * 100) / 100;
}
