import {
  type GenerationProgress,
  type GenerationResult,
  type GenerationUsage,
  MAX_OUTPUT_BYTES,
} from '../../../models/generation.ts';
import type { Model, Token } from '../binding-types.ts';
import { GroupedText } from './grouped-text.ts';
import { StopScanner } from './stop-scanner.ts';
import { TokenText } from './token-text.ts';

/** What one generation has given so far: tokens in, text out, in events and as a whole. */
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
  #text = '';
  #bytes = 0;

  constructor(options: {
    model: Model;
    prompt: readonly Token[];
    stop: readonly string[];
    maxTokens: number;
    /** When the request's turn came, on the clock of `performance`. */
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
    this.#grouped = new GroupedText((text) =>
      report({ type: 'text', text, numTokens: this.#tokens, tokensPerSecond: this.#tokensPerSecond() }),
    );
  }

  /** Tells how much of the prompt is done. */
  promptProgress(processed: number, total: number): void {
    this.#promptDone = performance.now();
    this.#report({ type: 'prompt', processed, total });
  }

  /** Takes a token. The answer is why the output has to end with it, or undefined when it may go on. */
  push(token: Token): GenerationResult['finishReason'] | undefined {
    this.#last = performance.now();
    this.#firstToken ??= this.#last;
    this.#tokens += 1;
    this.#take(this.#tokenText.push(token));
    if (this.#stopFound) return 'stop';
    return this.#tokens >= this.#maxTokens || this.#bytes >= MAX_OUTPUT_BYTES ? 'length' : undefined;
  }

  /** Sends what is left and sums up. After a stop sequence nothing of what was held back belongs to the output. */
  end(
    finishReason: GenerationResult['finishReason'],
    counts: Pick<GenerationUsage, 'promptTokens' | 'cachedPromptTokens'>,
  ): GenerationResult {
    if (!this.#stopFound) this.#take(this.#tokenText.end());
    if (!this.#stopFound) this.#add(this.#stops.end());
    this.#grouped.flush();
    return {
      text: this.#text,
      finishReason: this.#stopFound ? 'stop' : finishReason,
      usage: {
        ...counts,
        completionTokens: this.#tokens,
        timeToFirstTokenMs: this.#firstToken === undefined ? null : round(this.#firstToken - this.#begin),
        tokensPerSecond: this.#tokensPerSecond(),
      },
    };
  }

  /** Gives up what has not been sent. */
  discard(): void {
    this.#grouped.discard();
  }

  #take(piece: string): void {
    const { text, found } = this.#stops.push(piece);
    this.#add(text);
    this.#stopFound = found;
  }

  #add(text: string): void {
    if (text === '') return;
    this.#text += text;
    this.#bytes += Buffer.byteLength(JSON.stringify(text)) - 2;
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
