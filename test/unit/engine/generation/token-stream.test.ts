import { describe, expect, it } from '@jest/globals';
import type { Sequence, Token } from '../../../../host/engine/runner/binding-types.ts';
import { Speculation } from '../../../../host/engine/runner/generation/speculation.ts';
import { type Prediction, TokenStream } from '../../../../host/engine/runner/generation/token-stream.ts';
import { Seeded } from '../../../support/gguf/seeded.ts';

const END = 99 as Token;
const CONTEXT_SIZE = 64;

/** A sequence of a made model: what it generates depends on the whole context. */
class MadeSequence {
  readonly context: Token[] = [];
  readonly contextSize = CONTEXT_SIZE;
  readonly model = { isEogToken: (token: Token) => token === END };
  /** Tokens of each evaluation. */
  readonly batches: number[] = [];

  get nextTokenIndex(): number {
    return this.context.length;
  }

  async *evaluateWithMetadata(tokens: Token[]) {
    let next = tokens;
    for (;;) {
      const token = this.#evaluate(next);
      if (token === END) return;
      const replacement: Token | Token[] | undefined = yield { token };
      next = replacement === undefined ? [token] : [replacement].flat();
    }
  }

  async controlledEvaluate(items: [Token, object][]) {
    this.batches.push(items.length);
    return items.map(([token]) => {
      this.context.push(token);
      return { next: { token: nextAfter(this.context) } };
    });
  }

  async eraseContextTokenRanges([{ start, end }]: [{ start: number; end: number }]) {
    this.context.splice(start, end - start);
  }

  #evaluate(tokens: Token[]): Token {
    this.context.push(...tokens);
    return nextAfter(this.context);
  }
}

/** What the made model generates: mostly the last token and one, sometimes something that depends on all tokens. */
function nextAfter(context: readonly Token[]): Token {
  const sum = context.reduce((hash, token) => (hash * 31 + token) % 9_973, 7);
  if (sum % 37 === 0) return END;
  return (sum % 4 === 0 ? sum % 50 : ((context.at(-1) ?? 0) + 1) % 50) as Token;
}

/** What a caller does after a token: the same for the same random numbers. */
interface Run {
  readonly random: Seeded;
  readonly prediction?: Prediction;
}

async function generate({
  random,
  prediction,
}: Run): Promise<{ tokens: Token[]; context: Token[]; sequence: MadeSequence }> {
  const sequence = new MadeSequence();
  const rest = [1, 2, 3 + random.below(20)] as Token[];
  const stream = new TokenStream({ sequence: sequence as unknown as Sequence, rest, options: {}, prediction });
  const tokens: Token[] = [];
  let replacement: Token[] | undefined;
  while (tokens.length < 40) {
    const token = await stream.next({ replacement, isConstrained: random.below(8) === 0 });
    if (token === undefined) break;
    tokens.push(token);
    if (stream.position >= CONTEXT_SIZE - 8) break;
    replacement = random.below(12) === 0 ? [token, 7 as Token, 8 as Token] : undefined;
  }
  const context = sequence.context.slice(0, stream.position);
  await stream.end();
  return { tokens, context, sequence };
}

/** Predicts tokens that the made model often generates. */
function predictionOf(shared = () => false): Prediction {
  let last = 0;
  const predictor = {
    pushTokens(tokens: Token[]) {
      last = tokens.at(-1) ?? last;
    },
    predictTokens: () => Array.from({ length: 8 }, (_, index) => ((last + 1 + index) % 50) as Token),
  };
  // Drafts that cost nothing never pause.
  const speculation = new Speculation(predictor, 8);
  speculation.learnToken(1_000);
  return { speculation, optionsAfter: () => ({}), isShared: shared };
}

describe('TokenStream', () => {
  it('gives the same tokens with predictions as without, whatever is predicted, replaced or constrained', async () => {
    let predicted = 0;
    for (let seed = 1; seed <= 200; seed += 1) {
      const plain = await generate({ random: new Seeded(seed) });
      const fast = await generate({ random: new Seeded(seed), prediction: predictionOf() });
      expect(fast.tokens).toEqual(plain.tokens);
      expect(fast.context).toEqual(plain.context);
      predicted += fast.sequence.batches.length;
    }
    expect(predicted).toBeGreaterThan(200);
  });

  it('predicts nothing while other generations run', async () => {
    const { sequence } = await generate({ random: new Seeded(1), prediction: predictionOf(() => true) });
    expect(sequence.batches).toEqual([]);
  });

  it('never evaluates more tokens than the context has', async () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const { sequence } = await generate({ random: new Seeded(seed), prediction: predictionOf() });
      expect(sequence.context.length).toBeLessThan(CONTEXT_SIZE);
    }
  });

  it('samples each token of a draft with the options after the tokens before it', async () => {
    const ahead: number[] = [];
    const prediction = {
      ...predictionOf(),
      optionsAfter: (tokens: readonly Token[]) => ({ seed: ahead.push(tokens.length) }),
    };
    const { sequence } = await generate({ random: new Seeded(1), prediction });
    expect(sequence.batches.length).toBeGreaterThan(0);
    expect(ahead).toEqual(sequence.batches.flatMap((length) => Array.from({ length }, (_, index) => index)));
  });
});
