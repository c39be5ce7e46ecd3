import { quote, rejection } from '../../../gguf/reject.ts';
import type { RunnerStep } from '../../ipc.ts';
import type { Context, Model, Sequence, Token } from '../binding-types.ts';
import { DraftPauses, type Predictor } from './speculation.ts';

/** Most tokens of a text that are evaluated at once. A generation that is stopped ends with the next ones. */
const PIECE_TOKENS = 256;

/** Most tokens that one vocabulary may have more than the other: models of a family are padded differently. */
const MAX_PADDING = 128;

/** The first token whose text is compared. Before it are special tokens, whose names differ. Source: llama.cpp. */
const FIRST_TEXT = 5;

/** The generation that a draft is for. */
interface Drafting {
  readonly signal: AbortSignal;
  step(step: RunnerStep): void;
}

/**
 * A smaller model that drafts tokens for another one. It drafts for one generation at a time, and keeps its evaluated
 * tokens for the next one that begins with them.
 */
export class DraftModel {
  /** A model that drafted badly for one output does so for the next. */
  readonly pauses = new DraftPauses();
  readonly #sequence: Sequence;
  readonly #vocabulary: number;
  /** Settles when the last draft is made. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param vocabulary The number of tokens that both models have. */
  constructor(context: Context, vocabulary: number) {
    this.#sequence = context.getSequence();
    this.#vocabulary = vocabulary;
  }

  /** Returns what drafts the tokens of one generation. */
  predictor(prompt: readonly Token[], watch: Drafting): Predictor {
    const tokens = [...prompt];
    return {
      pushTokens: (generated) => void tokens.push(...generated),
      predictTokens: (longest) => {
        // A generation that was stopped may not be finished yet.
        const draft = this.#last.then(() => this.#draft([...tokens], longest, watch));
        this.#last = draft.catch(() => undefined);
        return draft;
      },
    };
  }

  async #draft(tokens: Token[], longest: number, { signal, step }: Drafting): Promise<Token[]> {
    const sequence = this.#sequence;
    // With more tokens the binding would drop the beginning of the context.
    const length = Math.min(longest, sequence.contextSize - 1 - tokens.length);
    if (length <= 0 || tokens.some((token) => token >= this.#vocabulary)) return [];
    await sequence.adaptStateToTokens(tokens.slice(0, -1), false);
    while (tokens.length - sequence.nextTokenIndex > PIECE_TOKENS) {
      if (signal.aborted) return [];
      step({ kind: 'evaluate', size: PIECE_TOKENS });
      const start = sequence.nextTokenIndex;
      await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(start, start + PIECE_TOKENS));
    }
    const draft: Token[] = [];
    const options = { temperature: 0, yieldEogToken: true };
    for await (const token of sequence.evaluate(tokens.slice(sequence.nextTokenIndex), options)) {
      if (token >= this.#vocabulary) break;
      draft.push(token);
      if (draft.length >= length || signal.aborted) break;
    }
    return draft;
  }
}

/**
 * Checks that one model can draft for another one. Their tokens must mean the same, as llama.cpp's
 * `common_speculative_are_compatible` requires.
 *
 * @returns the number of tokens that both have.
 * @throws HostError `MODEL_REJECTED` with the draft model's file.
 */
export function commonVocabulary(model: Model, draft: Model, draftFile: string): number {
  const [own, other] = [vocabularyOf(model), vocabularyOf(draft)];
  const reject = rejection(draftFile);
  if (!dropsTokens(model) || !dropsTokens(draft)) {
    const whose = dropsTokens(model) ? 'it has' : 'the model it is to draft for has';
    const found = 'recurrent layers or a sliding window';
    throw reject(`${whose} ${found}, which cannot drop single tokens`, { expected: 'two models without', found });
  }
  if (own.kind !== other.kind) {
    const found = `a vocabulary of type ${quote(other.kind)}`;
    throw reject(`it cannot draft for this model, because it has ${found}`, { expected: own.kind, found });
  }
  const common = Math.min(own.tokens.length, other.tokens.length);
  const isPadded = Math.max(own.tokens.length, other.tokens.length) - common <= MAX_PADDING;
  const differs = own.tokens.findIndex((text, id) => id >= FIRST_TEXT && id < common && text !== other.tokens[id]);
  if (isPadded && differs < 0) return common;
  const found = isPadded ? `token ${differs} ${quote(other.tokens[differs] ?? '')}` : `${other.tokens.length} tokens`;
  const expected = isPadded ? quote(own.tokens[differs] ?? '') : `${own.tokens.length} tokens`;
  throw reject(`it cannot draft for this model, because its vocabulary differs (${found} instead of ${expected})`, {
    expected,
    found,
  });
}

/** Returns whether the binding can drop the last tokens of a sequence, as it must where a draft is wrong. */
function dropsTokens({ fileInsights, defaultContextSwaFullCache }: Model): boolean {
  const { isHybrid, isRecurrent, swaSize } = fileInsights;
  return !isHybrid && !isRecurrent && (swaSize === undefined || defaultContextSwaFullCache);
}

function vocabularyOf({ fileInfo }: Model): { readonly kind: string; readonly tokens: readonly string[] } {
  const { model: kind = '', tokens = [] } = fileInfo.metadata.tokenizer?.ggml ?? {};
  return { kind: String(kind), tokens };
}
