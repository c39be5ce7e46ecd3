import type { GenerationUsage } from '../../../models/generation.ts';
import type { SamplerOptions, Sequence, Token, TokenOptions } from '../binding-types.ts';
import type { Speculation } from './speculation.ts';

/** Options of a {@link TokenStream}. */
export interface StreamParts {
  readonly sequence: Sequence;
  /** The last piece of the prompt, which is not evaluated yet. */
  readonly rest: Token[];
  readonly options: SamplerOptions;
  readonly prediction?: Prediction | undefined;
}

/** Options for predicting tokens. */
export interface Prediction {
  readonly speculation: Speculation;
  /** Returns the sampling options of the token after the evaluated ones and `ahead`. */
  readonly optionsAfter: (ahead: readonly Token[]) => TokenOptions;
  /** Returns whether other generations run, which predictions would slow down. */
  readonly isShared: () => boolean;
}

/** Options of the next token. */
export interface NextToken {
  /** The tokens that replace the one that was returned last. */
  readonly replacement?: Token[] | undefined;
  /** Whether a grammar restricts it. Such tokens are not predicted. */
  readonly isConstrained: boolean;
}

/** Generates the tokens of one output with a sequence. May evaluate several of them in one batch. */
export class TokenStream {
  readonly #sequence: Sequence;
  readonly #prediction: Prediction | undefined;
  readonly #tokens: ReturnType<Sequence['evaluateWithMetadata']>;
  /** Generated tokens that have not been returned. All but the last one are evaluated. */
  readonly #ahead: Token[] = [];
  #last: Token | undefined;
  #predicted = 0;

  constructor({ sequence, rest, options, prediction }: StreamParts) {
    this.#sequence = sequence;
    this.#prediction = prediction;
    // Not `evaluate`, which wraps this in another generator: with small models that costs measurable time.
    this.#tokens = sequence.evaluateWithMetadata(rest, {}, options);
  }

  /** Number of tokens before the one that was returned last. */
  get position(): number {
    return this.#sequence.nextTokenIndex - this.#ahead.length;
  }

  /** Counts of the tokens that were returned. */
  get usage(): Pick<GenerationUsage, 'predictedTokens'> {
    return this.#predicted === 0 ? {} : { predictedTokens: this.#predicted };
  }

  /** Generates the next token. Returns undefined at the end of the output. */
  async next({ replacement, isConstrained }: NextToken): Promise<Token | undefined> {
    if (replacement !== undefined || isConstrained) await this.#dropAhead();
    else if (this.#ahead.length === 0) await this.#predict();
    const token = this.#ahead.length > 0 ? this.#takeAhead() : await this.#generate(replacement);
    if (token === undefined) return undefined;
    this.#last = token;
    this.#prediction?.speculation.push([...(replacement?.slice(1) ?? []), token]);
    return token;
  }

  /** Ends the stream. The sequence keeps its evaluated tokens. */
  async end(): Promise<void> {
    await this.#tokens.return();
  }

  #takeAhead(): Token | undefined {
    const token = this.#ahead.shift();
    if (token === undefined || this.#sequence.model.isEogToken(token)) return undefined;
    // The last one was generated, not predicted.
    if (this.#ahead.length > 0) this.#predicted += 1;
    return token;
  }

  async #generate(replacement: Token[] | undefined): Promise<Token | undefined> {
    const begin = performance.now();
    const isFirst = this.#last === undefined;
    // After a prediction, the binding's own last token is an older one.
    const step = await this.#tokens.next(replacement ?? this.#last);
    if (step.done === true) return undefined;
    // The first one includes the rest of the prompt.
    if (!isFirst) this.#prediction?.speculation.learnToken(performance.now() - begin);
    return step.value.token;
  }

  async #dropAhead(): Promise<void> {
    if (this.#ahead.length === 0) return;
    const start = this.position;
    this.#ahead.length = 0;
    await this.#erase(start);
  }

  /** Evaluates the last token together with a draft of the next ones. */
  async #predict(): Promise<void> {
    const sequence = this.#sequence;
    if (this.#prediction === undefined || this.#last === undefined || this.#prediction.isShared()) return;
    const { speculation, optionsAfter } = this.#prediction;
    const start = sequence.nextTokenIndex;
    // With more tokens the binding would drop the beginning of the context.
    const begin = performance.now();
    const draft = await speculation.draft(sequence.contextSize - 2 - start);
    if (draft.length === 0) return;
    const tokens = [this.#last, ...draft];
    const results = await sequence.controlledEvaluate(
      tokens.map((token, index) => [
        token,
        { generateNext: { token: true, options: optionsAfter(tokens.slice(0, index)) } },
      ]),
    );
    const generated = results.map((result) => result?.next.token);
    let accepted = 0;
    while (accepted < draft.length && generated[accepted] === draft[accepted]) accepted += 1;
    const next = generated[accepted];
    if (next === undefined || next === null) throw new Error('llama.cpp did not sample a token');
    this.#ahead.push(...draft.slice(0, accepted), next);
    await this.#erase(start + 1 + accepted);
    speculation.learnDraft({ drafted: draft.length, accepted, milliseconds: performance.now() - begin });
  }

  async #erase(start: number): Promise<void> {
    const end = this.#sequence.nextTokenIndex;
    if (start < end) await this.#sequence.eraseContextTokenRanges([{ start, end }]);
  }
}
