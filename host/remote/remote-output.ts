import type { ProgressListener } from '../common/progress.ts';
import { type GenerationProgress, type GenerationResult, MAX_OUTPUT_BYTES } from '../models/generation.ts';
import type { Segment } from '../reasoning/segment.ts';
import type { ToolCall } from '../tools/tool-function.ts';
import type { ChunkFacts } from './chunk.ts';
import { RemoteCalls } from './remote-calls.ts';

/**
 * The end of a text whose last character is cut: the first half of a surrogate pair, the second half of which comes with
 * the next event, or what engines send for the bytes of an incomplete character.
 */
const PARTIAL_CHARACTER = /(?:[\ud800-\udbff]|\uFFFD{1,3})$/;

/** Collects the output of a generation of a remote engine. */
export class RemoteOutput {
  readonly #begin = performance.now();
  readonly #report: ProgressListener<GenerationProgress>;
  readonly #ignored: readonly string[];
  #text = '';
  #bytes = 0;
  #reasoning = '';
  /** The end of the text that may be part of a character: see {@link PARTIAL_CHARACTER}. */
  readonly #partial = { answer: '', reasoning: '' };
  readonly #calls = new RemoteCalls();
  readonly #toolCalls: ToolCall[] = [];
  #pieces = 0;
  #reasoningPieces = 0;
  #first: number | undefined;
  #last = this.#begin;
  #usage: ChunkFacts['usage'];

  /** @param ignored Names of the settings that were not sent to the engine. */
  constructor(report: ProgressListener<GenerationProgress>, ignored: readonly string[]) {
    this.#report = report;
    this.#ignored = ignored;
  }

  /** Number of events with text or reasoning. With nearly every engine, this is the number of tokens. */
  get pieces(): number {
    return this.#pieces;
  }

  /** Whether the output has reached its size limit. */
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
   * Ends the answer, which completes its last tool call.
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

  /** Reports text without a partial character at its end, and returns the reported text. */
  #add(kind: Segment['kind'], text: string): string {
    if (text === '') return '';
    const whole = this.#partial[kind] + text;
    const [partial = ''] = PARTIAL_CHARACTER.exec(whole) ?? [];
    this.#partial[kind] = partial;
    return this.#reportText(kind, whole.slice(0, whole.length - partial.length));
  }

  #reportText(kind: Segment['kind'], text: string): string {
    const reported = text.toWellFormed();
    if (reported === '') return '';
    this.#bytes += Buffer.byteLength(JSON.stringify(reported)) - 2;
    const tokensPerSecond = this.#speed(this.#pieces);
    this.#report({ type: 'text', kind, text: reported, numTokens: this.#pieces, tokensPerSecond });
    return reported;
  }

  /** Reports the rest of the text and returns the result, with the engine's token counts if it sent any. */
  result(finishReason: GenerationResult['finishReason']): GenerationResult {
    // The engine wrote replacement characters itself if it was not cut.
    if (finishReason === 'stop' && this.#partial.answer.startsWith('\uFFFD')) {
      this.#text += this.#reportText('answer', this.#partial.answer);
      this.#partial.answer = '';
    }
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

  /** Returns the tokens per second since the first text. The time of prompt processing is unknown. */
  #speed(tokens: number): number {
    const seconds = (this.#last - (this.#first ?? this.#last)) / 1000;
    return seconds > 0 ? round(tokens / seconds) : 0;
  }
}

function round(number: number): number {
  return Math.round(number * 100) / 100;
}
