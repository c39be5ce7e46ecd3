import { defined } from '../../../common/defined.ts';
import { HostError, isHostError } from '../../../common/errors.ts';
import { invalidField } from '../../../common/host-errors.ts';
import { whenAborted } from '../../../common/when-aborted.ts';
import {
  assertUsed,
  type GenerateRequest,
  type GenerationProgress,
  type GenerationResult,
  type Sampling,
} from '../../../models/generation.ts';
import { closingText } from '../../../reasoning/formats.ts';
import type { RunnerStep } from '../../ipc.ts';
import type { Binding, Context, Llama, Model, SamplerOptions, Token, TokenBias } from '../binding-types.ts';
import type { LlamaLog } from '../llama-log.ts';
import { AnswerGrammar } from './answer-grammar.ts';
import type { BatchOrder } from './batch-order.ts';
import { Output } from './output.ts';
import { PieceSize } from './piece-size.ts';
import { charactersOf, type PromptReasoning, type PromptTokens } from './prompt-tokens.ts';
import type { SavedStates } from './saved-states.ts';
import { type PooledSequence, SequencePool } from './sequence-pool.ts';

/** Tokens that count as repeated: llama.cpp's own default, `repeat_last_n`. */
const PENALTY_TOKENS = 64;

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
}

/** What one generation samples with. */
interface SampleRun {
  readonly pooled: PooledSequence;
  /** The piece of the prompt that is evaluated last. */
  readonly rest: Token[];
  readonly options: SamplerOptions;
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
      const options = {
        ...samplerOptions(request.sampling, grammar, output, () => pooled.sequence.contextTokens),
        ...(bias === undefined ? {} : { tokenBias: bias }),
      };
      const closeTokens = this.#closeTokens(prompt?.reasoning);
      const sampling = this.#sample({ pooled, rest, options, grammar, output, closeTokens }, watch);
      await leaving(pooled, sampling, aborted);
      const finishReason = signal.aborted ? 'stopped' : await sampling;
      return { ...output.end(finishReason, counts), ...defined({ trimmed: prompt?.trimmed }) };
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

  /** Generates tokens until the output ends. When stopped, one more token is generated and dropped. */
  async #sample(
    { pooled, rest, options, grammar, output, closeTokens }: SampleRun,
    { signal, step: report }: GenerationWatch,
  ): Promise<GenerationResult['finishReason']> {
    const { sequence } = pooled;
    report({ kind: 'evaluate', size: rest.length });
    let reported = Number.NEGATIVE_INFINITY;
    // Not `evaluate`, which wraps this in another generator: with small models that costs measurable time.
    const tokens = sequence.evaluateWithMetadata(rest, {}, options);
    let hasEnded: (() => void) | undefined;
    try {
      let next: Token[] | undefined;
      let isFirst = true;
      for (let step = await tokens.next(); !step.done; step = await tokens.next(next), isFirst = false) {
        hasEnded ??= this.#parts.order.generating();
        if (signal.aborted) return 'stopped';
        next = undefined;
        const now = performance.now();
        if (now - reported > STEP_INTERVAL_MS) {
          reported = now;
          report({ kind: 'evaluate', size: 1 });
        }
        const end = output.push(step.value.token);
        // A model with recurrent state can go back to this point when the next request begins with the same prompt.
        if (isFirst) await sequence.takeCheckpoint();
        if (end !== undefined) return end;
        // With one more token the binding would drop the beginning of the context.
        if (sequence.nextTokenIndex >= sequence.context.contextSize - 1) return 'length';
        if (output.reasonsTooLong && sequence.nextTokenIndex + closeTokens.length < sequence.context.contextSize - 1) {
          output.closeReasoning();
          next = [step.value.token, ...closeTokens];
        }
        await grammar.follow(output);
      }
      return 'stop';
    } finally {
      hasEnded?.();
      await tokens.return();
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

function samplerOptions(
  sampling: Sampling,
  grammar: AnswerGrammar,
  output: Output,
  contextTokens: () => Token[],
): SamplerOptions {
  const { temperature, topP, topK, minP, repetitionPenalty, seed } = sampling;
  const { presencePenalty = 0, frequencyPenalty = 0, xtc } = sampling;
  return {
    temperature,
    topP,
    topK,
    minP,
    seed,
    ...(xtc === undefined ? {} : { xtc }),
    ...(grammar.isNeeded(output) ? { grammarEvaluationState: () => grammar.stateFor(output) } : {}),
    ...(repetitionPenalty === 1 && presencePenalty === 0 && frequencyPenalty === 0
      ? {}
      : {
          repeatPenalty: {
            penalty: repetitionPenalty,
            presencePenalty,
            frequencyPenalty,
            maxPunishTokens: PENALTY_TOKENS,
            punishTokens: () => contextTokens().slice(-PENALTY_TOKENS),
          },
        }),
  };
}
