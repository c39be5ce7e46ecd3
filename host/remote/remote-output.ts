import type { ProgressListener } from '../common/progress.ts';
import type { GenerationProgress, GenerationResult } from '../models/generation.ts';
import { MAX_OUTPUT_BYTES } from '../models/output-limit.ts';
import type { ChunkFacts } from './chunk.ts';

/** What one generation of an engine elsewhere has given so far. */
export class RemoteOutput {
  readonly #begin = performance.now();
  readonly #tell: ProgressListener<GenerationProgress>;
  #text = '';
  #bytes = 0;
  /** Half of a character whose other half comes with the next event. */
  #half = '';
  #pieces = 0;
  #first: number | undefined;
  #last = this.#begin;
  #usage: ChunkFacts['usage'];

  constructor(tell: ProgressListener<GenerationProgress>) {
    this.#tell = tell;
  }

  /** Events with text that have come: tokens, with nearly every engine. */
  get pieces(): number {
    return this.#pieces;
  }

  /** True when it may not become longer. */
  get isFull(): boolean {
    return this.#bytes >= MAX_OUTPUT_BYTES;
  }

  push({ text, usage }: ChunkFacts): void {
    this.#usage = usage ?? this.#usage;
    if (text === '') return;
    this.#last = performance.now();
    this.#first ??= this.#last;
    this.#pieces += 1;
    const whole = this.#half + text;
    this.#half = /[\ud800-\udbff]$/.test(whole) ? whole.slice(-1) : '';
    const shown = (this.#half === '' ? whole : whole.slice(0, -1)).toWellFormed();
    if (shown === '') return;
    this.#text += shown;
    this.#bytes += Buffer.byteLength(JSON.stringify(shown)) - 2;
    this.#tell({ type: 'text', text: shown, numTokens: this.#pieces, tokensPerSecond: this.#speed(this.#pieces) });
  }

  /** Sums up: by the engine's own counts where it gave any. */
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

  /** From the first text on; the prompt's time is the other engine's own business. */
  #speed(tokens: number): number {
    const seconds = (this.#last - (this.#first ?? this.#last)) / 1000;
    return seconds > 0 ? round(tokens / seconds) : 0;
  }
}

function round(number: number): number {
  return Math.round(number * 100) / 100;
}
