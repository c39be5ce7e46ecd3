import { defined } from '../../../common/defined.ts';
import { HostError, isHostError } from '../../../common/errors.ts';
import { invalidField } from '../../../common/host-errors.ts';
import { whenAborted } from '../../../common/when-aborted.ts';
import {
  assertUsed,
  type DrySampling,
  type GenerateRequest,
  type GenerationProgress,
  type GenerationResult,
  type Sampling,
} from '../../../models/generation.ts';
import { closingText } from '../../../reasoning/formats.ts';
import type { RunnerStep } from '../../ipc.ts';
import type { Binding, Context, Llama, Model, Sequence, Token, TokenBias, TokenOptions } from '../binding-types.ts';
import type { LlamaLog } from '../llama-log.ts';
import { AnswerGrammar } from './answer-grammar.ts';
import type { BatchOrder } from './batch-order.ts';
import type { DraftModel } from './draft-model.ts';
import { Output } from './output.ts';
import { PieceSize } from './piece-size.ts';
import { charactersOf, type PromptReasoning, type PromptTokens } from './prompt-tokens.ts';
import type { SavedStates } from './saved-states.ts';
import { type PooledSequence, SequencePool } from './sequence-pool.ts';
import { type Predictor, Speculation } from './speculation.ts';
import { type Prediction, TokenStream } from './token-stream.ts';

/** Tokens that count as repeated: llama.cpp's own default, `repeat_last_n`. */
const PENALTY_TOKENS = 64;

/** Tokens at the end of the output that must occur in the prompt for a prediction; with fewer, most would be wrong. */
const MATCHED_TOKENS = 3;

/** Most tokens of a draft: llama.cpp's own default, `--draft-max`. */
const LONGEST_DRAFT = 16;

/** Shortest time between two reports of tokens that are generated, milliseconds. */
const STEP_INTERVAL_MS = 1_000;

/** How the caller follows and stops a generation. */
export interface GenerationWatch {
  readonly signal: AbortSignal;
  step(step: RunnerStep): void;
  onProgress(progress: GenerationProgress): void;
}

/** What a generator uses. */
export interface GeneratorParts {
  readonly binding: Binding;
  readonly llama: Llama;
  readonly model: Model;
  readonly context: Context;
  readonly prompts: PromptTokens;
  readonly log: LlamaLog;
  /** Decides what the context evaluates next. */
  readonly order: BatchOrder;
  /** Evaluated prompts on the disk; undefined if none are kept. */
  readonly states?: SavedStates | undefined;
  /** Drafts tokens; undefined without a draft model. */
  readonly draft?: DraftModel | undefined;
}

/** What one generation samples with. */
interface SampleRun {
  readonly pooled: PooledSequence;
  readonly stream: TokenStream;
  /** Tokens of the prompt that are evaluated with the first token. */
  readonly restTokens: number;
  readonly grammar: AnswerGrammar;
  readonly output: Output;
  /** What the model reads where its reasoning is ended. */
  readonly closeTokens: readonly Token[];
}

/**
 * Generates text with one model, with as many requests at a time as the context has sequences. Sequences stay in memory
 * between requests, so that a conversation's earlier turns are not evaluated again.
 *
 * A prompt that does not fit in the context is rejected with both sizes, unless the request says that the oldest turns
 * may be left out; an output that reaches the end of the context ends there, with `length`.
 */
export class Generator {
  readonly #parts: GeneratorParts;
  readonly #pool: SequencePool;
  readonly #prompts: PromptTokens;
  readonly #pieces: PieceSize;
  #running = 0;

  constructor(parts: GeneratorParts) {
    this.#parts = parts;
    this.#pool = new SequencePool(parts);
    this.#prompts = parts.prompts;
    this.#pieces = new PieceSize(parts.context.batchSize);
  }

  /**
   * Runs one generation. When `signal` is aborted it ends at once, with the text generated so far.
   *
   * @throws HostError `CONTEXT_OVERFLOW`, `CHAT_TEMPLATE_FAILED`, `INVALID_REQUEST`, `GENERATION_FAILED`.
   */
  async generate(request: GenerateRequest, watch: GenerationWatch): Promise<GenerationResult> {
    if (this.#running === 0) this.#parts.log.clear();
    this.#running += 1;
    try {
      return await this.#run(request, watch);
    } catch (error) {
      if (isHostError(error)) throw error;
      const { reason, details } = await this.#parts.log.explain(error);
      throw new HostError('GENERATION_FAILED', `llama.cpp failed to generate an answer: ${reason}`, { details });
    } finally {
      this.#running -= 1;
    }
  }

  async #run(request: GenerateRequest, watch: GenerationWatch): Promise<GenerationResult> {
    const { model, context } = this.#parts;
    const { signal, step, onProgress } = watch;
    const begin = performance.now();
    step({ kind: 'tokenize', size: charactersOf(request.input) });
    const prompt = signal.aborted ? undefined : this.#prompts.make(request.input, context.contextSize);
    if (request.constraint !== undefined || prompt?.calls !== undefined) step({ kind: 'grammar', size: 1 });
    const grammar = await AnswerGrammar.make(prompt && request.constraint, prompt?.calls, this.#parts);
    const ignored = [...(prompt?.ignored ?? []), ...grammar.ignored];
    assertUsed(ignored, request.strict);
    const tokens = prompt?.tokens ?? [];
    const output = new Output({
      model,
      prompt: tokens,
      stop: [...request.stop, ...(prompt?.stop ?? [])],
      reasoning: prompt?.reasoning,
      calls: prompt?.calls,
      ignored,
      maxTokens: request.maxNewTokens,
      begin,
      report: onProgress,
    });
    const bias = prompt && this.#bias(request.sampling.logitBias);
    // The sequence may have to finish what a stopped generation had started.
    step({ kind: 'evaluate', size: this.#pieceSize });
    const taken = prompt && (await this.#pool.take(tokens, request, signal));
    if (taken === undefined) return output.end('stopped', { promptTokens: tokens.length, cachedPromptTokens: 0 });
    const { pooled, cachedPromptTokens } = taken;
    try {
      const counts = { promptTokens: tokens.length, cachedPromptTokens };
      const aborted = whenAborted(signal);
      const rest = await this.#evaluate(pooled, tokens, { output, watch, aborted });
      if (signal.aborted) return output.end('stopped', counts);
      await grammar.follow(output);
      const { sequence } = pooled;
      const free = samplerOptions(request.sampling, { bias, sequence, tokens: () => sequence.contextTokens });
      const options = grammar.isNeeded(output)
        ? { ...free, grammarEvaluationState: () => grammar.stateFor(output) }
        : free;
      const prediction = this.#prediction({ pooled, request, tokens, bias, watch });
      const stream = new TokenStream({ sequence, rest, options, prediction });
      const closeTokens = this.#closeTokens(prompt?.reasoning);
      const sampling = this.#sample({ pooled, stream, restTokens: rest.length, grammar, output, closeTokens }, watch);
      await leaving(pooled, sampling, aborted);
      const finishReason = signal.aborted ? 'stopped' : await sampling;
      const result = output.end(finishReason, { ...counts, ...stream.usage });
      return { ...result, ...defined({ trimmed: prompt?.trimmed }) };
    } catch (error) {
      // What llama.cpp has evaluated is unknown. Another generation may run meanwhile.
      await pooled.sequence.clearHistory();
      throw error;
    } finally {
      output.discard();
      void this.#pool.release(pooled);
    }
  }

  /** Saves what idle sequences have evaluated. */
  save(): Promise<void> {
    return this.#pool.save();
  }

  /** Forgets what was evaluated of a conversation, and of prompts that belong to no known one. */
  forget(conversation: string): Promise<void> {
    return this.#pool.forget(conversation);
  }

  /** Evaluates the prompt but for its last piece, which is returned. */
  async #evaluate(
    pooled: PooledSequence,
    tokens: Token[],
    { output, watch, aborted }: { output: Output; watch: GenerationWatch; aborted: Promise<unknown> },
  ): Promise<Token[]> {
    const { sequence } = pooled;
    const { signal, step } = watch;
    for (;;) {
      const rest = tokens.slice(sequence.nextTokenIndex);
      const size = this.#pieceSize;
      if (signal.aborted || rest.length <= size) return rest;
      const begin = performance.now();
      step({ kind: 'evaluate', size });
      await leaving(pooled, sequence.evaluateWithoutGeneratingNewTokens(rest.slice(0, size)), aborted);
      if (signal.aborted) return rest;
      this.#pieces.learn(size, performance.now() - begin);
      output.promptProgress(sequence.nextTokenIndex, tokens.length);
    }
  }

  get #pieceSize(): number {
    return this.#pieces.tokens(this.#running > 1 ? 'shared' : 'alone');
  }

  /** Returns how tokens are predicted; undefined where they are not. */
  #prediction({
    pooled: { sequence },
    request: { sampling, lookupTokens = 0 },
    tokens,
    bias,
    watch,
  }: {
    pooled: PooledSequence;
    request: GenerateRequest;
    tokens: Token[];
    bias: TokenBias | undefined;
    watch: GenerationWatch;
  }): Prediction | undefined {
    const { binding, draft } = this.#parts;
    // A state that cannot drop its last tokens would have to be restored after every token that was not generated.
    if (sequence.needsCheckpoints) return undefined;
    // XTC draws from the same seed as the sampler; with a new seed for each token both draws would be the same. The sampler
    // of DRY has seen only the tokens that it sampled, and predicted ones have samplers of their own.
    if (sampling.xtc !== undefined || sampling.dry !== undefined) return undefined;
    let speculation: Speculation;
    if (lookupTokens > 0) speculation = new Speculation(promptLookup(binding, tokens, lookupTokens), lookupTokens);
    else if (draft !== undefined)
      speculation = new Speculation(draft.predictor(tokens, watch), LONGEST_DRAFT, draft.pauses);
    else return undefined;
    return {
      speculation,
      optionsAfter: (ahead) => ({
        ...samplerOptions(sampling, { bias, sequence, tokens: () => [...sequence.contextTokens, ...ahead] }),
        seed: seedAt(sampling.seed, sequence.nextTokenIndex + ahead.length),
      }),
      isShared: () => this.#running > 1,
    };
  }

  /** Generates tokens until the output ends. When stopped, one more token is generated and dropped. */
  async #sample(
    { pooled: { sequence }, stream, restTokens, grammar, output, closeTokens }: SampleRun,
    { signal, step: report }: GenerationWatch,
  ): Promise<GenerationResult['finishReason']> {
    report({ kind: 'evaluate', size: restTokens });
    let reported = Number.NEGATIVE_INFINITY;
    let hasEnded: (() => void) | undefined;
    try {
      let replacement: Token[] | undefined;
      for (;;) {
        const isConstrained = grammar.stateFor(output) !== undefined;
        const token = await stream.next({ replacement, isConstrained });
        if (token === undefined) return 'stop';
        const isFirst = hasEnded === undefined;
        hasEnded ??= this.#parts.order.generating();
        if (signal.aborted) return 'stopped';
        replacement = undefined;
        const now = performance.now();
        if (now - reported > STEP_INTERVAL_MS) {
          reported = now;
          report({ kind: 'evaluate', size: 1 });
        }
        const end = output.push(token);
        // A model with recurrent state can go back to this point when the next request begins with the same prompt.
        if (isFirst) await sequence.takeCheckpoint();
        if (end !== undefined) return end;
        // With one more token the binding would drop the beginning of the context.
        const lastPosition = sequence.context.contextSize - 1;
        if (stream.position >= lastPosition) return 'length';
        if (output.reasonsTooLong && stream.position + closeTokens.length < lastPosition) {
          output.closeReasoning();
          replacement = [token, ...closeTokens];
        }
        await grammar.follow(output);
      }
    } finally {
      hasEnded?.();
      await stream.end();
    }
  }

  /** @throws HostError `INVALID_REQUEST` for a token that the vocabulary does not have. */
  #bias(logits: Sampling['logitBias']): TokenBias | undefined {
    if (logits === undefined) return undefined;
    const { binding, model } = this.#parts;
    const bias = binding.TokenBias.for(model);
    // llama.cpp ends the process for a token that does not exist.
    const size = model.fileInfo.metadata.tokenizer?.ggml?.tokens?.length ?? 0;
    for (const [token, logit] of Object.entries(logits)) {
      const id = Number(token) as Token;
      if (id >= size) throw invalidField('settings.logit_bias', 'of tokens of the model', token);
      bias.set(id, logit === -100 ? 'never' : { logit });
    }
    return bias;
  }

  /** Returns the tokens that end the reasoning. */
  #closeTokens(reasoning: PromptReasoning | undefined): Token[] {
    return reasoning?.maxTokens === undefined
      ? []
      : this.#prompts.markup(closingText(reasoning.markup, reasoning.prompt));
  }
}

/** Waits for llama.cpp unless stopped. llama.cpp then finishes its piece before the sequence is used again. */
async function leaving(pooled: PooledSequence, work: Promise<unknown>, aborted: Promise<unknown>): Promise<void> {
  // No request waits for a piece that fails after its generation was stopped; the sequence is cleared.
  pooled.leftOver = work.catch(() => pooled.sequence.clearHistory());
  await Promise.race([work, aborted]);
}

/** @param options.tokens Returns the tokens before the one that is sampled. */
function samplerOptions(
  sampling: Sampling,
  { bias, sequence, tokens }: { bias: TokenBias | undefined; sequence: Sequence; tokens: () => Token[] },
): TokenOptions {
  const { temperature, topP, topK, minP, repetitionPenalty, seed } = sampling;
  const { presencePenalty = 0, frequencyPenalty = 0, xtc, dry } = sampling;
  return {
    temperature,
    topP,
    topK,
    minP,
    seed,
    ...(xtc === undefined ? {} : { xtc }),
    ...(dry === undefined ? {} : { dryRepeatPenalty: dryPenalty(dry, sequence.contextSize) }),
    ...(bias === undefined ? {} : { tokenBias: bias }),
    ...(repetitionPenalty === 1 && presencePenalty === 0 && frequencyPenalty === 0
      ? {}
      : {
          repeatPenalty: {
            penalty: repetitionPenalty,
            presencePenalty,
            frequencyPenalty,
            maxPunishTokens: PENALTY_TOKENS,
            punishTokens: () => tokens().slice(-PENALTY_TOKENS),
          },
        }),
  };
}

function dryPenalty(dry: DrySampling, contextSize: number): NonNullable<TokenOptions['dryRepeatPenalty']> {
  const { multiplier: strength, base, allowedLength, lastTokens = contextSize, sequenceBreakers } = dry;
  return {
    strength,
    base,
    allowedLength,
    // llama.cpp allocates memory for as many tokens as it searches.
    lastTokens: Math.min(lastTokens, contextSize),
    sequenceBreakers: [...sequenceBreakers],
  };
}

/** Returns what predicts tokens that the output quotes from its prompt: those that follow there what the output ends with. */
function promptLookup(binding: Binding, prompt: Token[], longest: number): Predictor {
  const lookup = new binding.InputLookupTokenPredictor({
    patternLength: { min: MATCHED_TOKENS },
    predictionLength: { max: longest },
  });
  lookup.updateInputTokens(prompt);
  lookup.reset({ stateTokens: prompt });
  return lookup;
}

/** Returns the seed of a token that is sampled by a sampler of its own: the finalizer of MurmurHash3. */
function seedAt(seed: number, position: number): number {
  let hash = (seed ^ Math.imul(position, 0x9e37_79b9)) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
