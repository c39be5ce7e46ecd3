import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { GenerateRequest, GenerationResult, Sampling } from '../../../host/models/generation.ts';
import { loadRequest, TestModels } from '../../support/engine/test-models.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { type ModelKind, writeModelKind } from '../../support/gguf/model-kinds.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

const GREEDY: Sampling = { temperature: 0, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, seed: 0 };

/** Words that the model writes in this order, over and over. */
const WORDS = Array.from({ length: 60 }, (_, index) => `w${index}`);
/** The beginning of them, from which the output comes back to it. */
const PROMPT = [...WORDS.slice(0, 40), 'w59'].join(' ');

const KINDS: readonly ModelKind[] = ['dense', 'sliding-window', 'recurrent'];

const folder = tempFolder('prompt-lookup');
const host = new TestModels();

beforeAll(async () => {
  const chain = Object.fromEntries(WORDS.map((word, i) => [word, { [WORDS[(i + 1) % WORDS.length] ?? '']: 1 }]));
  const file = join(folder.path, 'quoting.gguf');
  writeFileSync(file, markovModel({ chain, contextLength: 4096 }));
  await host.load(await loadRequest('quoting', file, { contextSize: 512, sequences: 2 }));
}, 60_000);
afterAll(async () => {
  await host.close();
  folder.remove();
});

type Overrides = Partial<Omit<GenerateRequest, 'sampling'>> & { sampling?: Partial<Sampling> };

function generate(id: string, { sampling, ...others }: Overrides = {}): Promise<GenerationResult> {
  return host.models.generate(id, {
    input: { prompt: PROMPT },
    maxNewTokens: 100,
    stop: [],
    sampling: { ...GREEDY, ...sampling },
    ...others,
  });
}

/** The results with and without prompt lookup. */
async function both(id: string, overrides: Overrides = {}): Promise<[GenerationResult, GenerationResult]> {
  return [await generate(id, { ...overrides, lookupTokens: 16 }), await generate(id, overrides)];
}

const outcome = ({ text, finishReason, usage }: GenerationResult) => [text, finishReason, usage.completionTokens];

describe('prompt lookup', () => {
  it('predicts what the output quotes, and does not change it', async () => {
    const [fast, plain] = await both('quoting');
    expect(outcome(fast)).toEqual(outcome(plain));
    expect(plain.text.startsWith(' w0 w1 w2')).toBe(true);
    // The output has 36 of the quoted words twice, but for three words at the beginning of each, and the pauses.
    expect(fast.usage.predictedTokens).toBeGreaterThan(5);
    expect(plain.usage.predictedTokens).toBeUndefined();
  });

  it.each<[string, Overrides]>([
    ['a stop sequence', { stop: ['w22 w23'] }],
    ['a length within a prediction', { maxNewTokens: 17 }],
    ['penalties', { sampling: { repetitionPenalty: 1.5, frequencyPenalty: 0.5, presencePenalty: 0.5 } }],
    ['a bias', { sampling: { logitBias: { 300: -100 } } }],
    ['a grammar', { constraint: { regex: '( w[0-9]+)*' } }],
    ['the end of the context', { maxNewTokens: 2_000 }],
  ])('does not change an output with %s', async (_, overrides) => {
    const [fast, plain] = await both('quoting', overrides);
    expect(outcome(fast)).toEqual(outcome(plain));
  });

  it('predicts nothing for outputs that a grammar restricts', async () => {
    const [fast] = await both('quoting', { constraint: { regex: '( w[0-9]+)*' } });
    expect(fast.usage.predictedTokens).toBeUndefined();
  });

  it('gives the same sampled text for the same seed', async () => {
    const order: Overrides = { sampling: { temperature: 0.8, seed: 7 }, lookupTokens: 16 };
    expect((await generate('quoting', order)).text).toBe((await generate('quoting', order)).text);
  });

  it('does not change outputs of several generations', async () => {
    const alone = await generate('quoting', { maxNewTokens: 60 });
    const order: Overrides = { maxNewTokens: 60, lookupTokens: 16 };
    const results = await Promise.all([generate('quoting', order), generate('quoting', order)]);
    expect(results.map(({ text }) => text)).toEqual([alone.text, alone.text]);
  });

  it('leaves a sequence that the next prompt can use', async () => {
    const first = await generate('quoting', { lookupTokens: 16, stop: ['w30'] });
    const prompt = `${PROMPT}${first.text.trimEnd()} w30`;
    const next = await generate('quoting', { input: { prompt }, lookupTokens: 16 });
    expect(next.usage.cachedPromptTokens).toBeGreaterThan(60);
    expect(next.text.startsWith(' w31 w32 w33')).toBe(true);
  });

  it.each(KINDS)(
    'does not change outputs of a %s model',
    async (kind) => {
      const file = join(folder.path, `${kind}.gguf`);
      await writeModelKind(file, kind, { seed: 3, layers: 2, pieces: 8 });
      await host.load(await loadRequest(kind, file, { contextSize: 512 }));
      const start = await generate(kind, { input: { prompt: 'w1 w2 w3 w4 w1 w2 w3 w4' }, maxNewTokens: 40 });
      const [fast, plain] = await both(kind, { input: { prompt: `w1 w2${start.text}` }, maxNewTokens: 30 });
      expect(outcome(fast)).toEqual(outcome(plain));
    },
    60_000,
  );
});
