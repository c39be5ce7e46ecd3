import type { ProgressListener } from '../common/progress.ts';
import { type GenerationProgress, type GenerationResult, MAX_OUTPUT_BYTES } from '../models/generation.ts';
import type { ChunkFacts } from './chunk.ts';

/** The output of one generation of a remote engine so far. */
export class RemoteOutput {
  readonly #begin = performance.now();
  readonly #report: ProgressListener<GenerationProgress>;
  #text = '';
  #bytes = 0;
  /** The first half of a surrogate pair whose second half comes with the next event. */
  #surrogate = '';
  #pieces = 0;
  #first: number | undefined;
  #last = this.#begin;
  #usage: ChunkFacts['usage'];

  constructor(report: ProgressListener<GenerationProgress>) {
    this.#report = report;
  }

  /** Number of events with text: tokens, with nearly every engine. */
  get pieces(): number {
    return this.#pieces;
  }

  /** True when the output has reached its limit. */
  get isFull(): boolean {
    return this.#bytes >= MAX_OUTPUT_BYTES;
  }

  push({ text, usage }: ChunkFacts): void {
    this.#usage = usage ?? this.#usage;
    if (text === '') return;
    this.#last = performance.now();
    this.#first ??= this.#last;
    this.#pieces += 1;
    const whole = this.#surrogate + text;
    this.#surrogate = /[\ud800-\udbff]$/.test(whole) ? whole.slice(-1) : '';
    const shown = (this.#surrogate === '' ? whole : whole.slice(0, -1)).toWellFormed();
    if (shown === '') return;
    this.#text += shown;
    this.#bytes += Buffer.byteLength(JSON.stringify(shown)) - 2;
    this.#report({ type: 'text', text: shown, numTokens: this.#pieces, tokensPerSecond: this.#speed(this.#pieces) });
  }

  /** Returns the result, with the engine's own counts where it sent any. */
  result(finishReason: GenerationResult['finishReason']): GenerationResult {
    const completionTokens = this.#usage?.completion_tokens ?? this.#pieces;
    return {
      text: this.#text,
      finishReason,
      usage: {
        promptTokens: this.#usage?.prompt_tokens ?? 0,
        cachedPromptTokens: this.#usage?.prompt_tokens_details?.cached_tokens ?? 0,
        completionTokens,
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
