import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Embedded } from '../../../host/models/embedding.ts';
import { cosine } from '../../../host/vectors/similarity.ts';
import { loadRequest, TestModels } from '../../support/engine/test-models.ts';
import { bertModel, bertScore, bertVector } from '../../support/gguf/bert-model.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { uint32 } from '../../support/gguf/write-gguf.ts';

const WORDS = ['red', 'green', 'blue', 'warm', 'cold', 'sea', 'sun'];
const WEIGHTS = { sun: 2, sea: -2 };

const folder = tempFolder('embed');
const host = new TestModels();

beforeAll(async () => {
  const files = {
    bert: bertModel({ words: WORDS }),
    first: bertModel({ words: WORDS, pooling: 2 }),
    ranker: bertModel({ words: WORDS, rank: WEIGHTS }),
    unpooled: bertModel({ words: WORDS, pooling: null }),
    strange: bertModel({ words: WORDS, pooling: 9 }),
    long: bertModel({ words: WORDS, contextLength: 4_096 }),
    story: markovModel(),
    mean: markovModel({ metadata: { 'llama.pooling_type': uint32(1) } }),
  };
  for (const [id, bytes] of Object.entries(files)) {
    const file = join(folder.path, `${id}.gguf`);
    writeFileSync(file, bytes);
    await host.load(await loadRequest(id, file, { contextSize: id === 'long' ? 4_096 : 256 }));
  }
});
afterAll(async () => {
  await host.close();
  folder.remove();
});

function embed(id: string, texts: readonly string[], truncate = false): Promise<readonly Embedded[]> {
  return host.models.embed(id, { texts: texts.map((text, i) => ({ name: `texts.${i}`, text })), truncate });
}

async function vectorOf(id: string, text: string): Promise<Float32Array> {
  const [one] = await embed(id, [text]);
  if (one === undefined) throw new Error('No vector came');
  return one.vector;
}

function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-4): void {
  expect(found.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    expect(Math.abs((found[i] ?? Number.NaN) - (expected[i] ?? Number.NaN))).toBeLessThan(tolerance);
  }
}

/** Returns the non-zero components of a vector by index. */
function marks(vector: Float32Array): Record<number, number> {
  return Object.fromEntries([...vector.entries()].filter(([, value]) => Math.abs(value) > 1e-3));
}

describe('embedding', () => {
  it.each(['red', 'red green', 'warm red sun unheard', 'sea sea sea'])(
    'gives the vector that is known beforehand: %s',
    async (text) => {
      expectClose(await vectorOf('bert', text), bertVector(WORDS, text));
    },
  );

  it('counts tokens, including those that the model adds around every text', async () => {
    const embedded = await embed('bert', ['red', 'red green', 'Red, green']);
    expect(embedded.map(({ tokens }) => tokens)).toEqual([3, 4, 5]);
  });

  it('returns the same embedding for a text alone and with others, in any order', async () => {
    const texts = ['red', 'warm sea', 'red green blue', 'sun'];
    const together = await embed('bert', texts);
    for (const [i, text] of texts.toReversed().entries()) {
      expectClose(await vectorOf('bert', text), together[texts.length - 1 - i]?.vector ?? [], 1e-6);
    }
  });

  it('uses the pooling type of the model, such as the first token', async () => {
    expectClose(await vectorOf('first', 'red'), await vectorOf('first', 'blue'));
  });

  it('uses the last token of a generating model without a pooling type, and its pooling type otherwise', async () => {
    const last = await vectorOf('story', 'once upon a');
    expect(cosine(last, await vectorOf('story', 'a'))).toBeCloseTo(1, 5);
    expect(cosine(last, await vectorOf('story', 'once'))).toBeCloseTo(0, 5);
    // The start token and one other, half each.
    expect(Object.values(marks(await vectorOf('mean', 'a')))).toEqual([expect.closeTo(0.5, 2), expect.closeTo(0.5, 2)]);
    expect(cosine(await vectorOf('mean', 'once upon'), await vectorOf('mean', 'upon once'))).toBeCloseTo(1, 5);
  });

  it('rejects a text that is too long with both sizes, or truncates it', async () => {
    const long = new Array(63).fill('red').join(' ');
    await expect(embed('bert', ['red', long])).rejects.toMatchObject({
      code: 'CONTEXT_OVERFLOW',
      details: { field: 'texts.1', tokens: 65, room: 64 },
    });
    const whole = new Array(62).fill('red').join(' ');
    const [cut, fitting] = await embed('bert', [`${whole} blue blue`, whole], true);
    expect(cut).toMatchObject({ tokens: 64, truncated: true });
    expect(fitting).toMatchObject({ tokens: 64, truncated: false });
    expectClose(cut?.vector ?? [], fitting?.vector ?? []);
  });

  it('rejects a text of millions of characters before tokenizing it', async () => {
    await expect(embed('bert', ['x'.repeat(2_000_000)])).rejects.toMatchObject({ code: 'CONTEXT_OVERFLOW' });
    expect((await embed('bert', ['red '.repeat(500_000)], true))[0]).toMatchObject({ tokens: 64, truncated: true });
  });

  it('enlarges its context for a longer text and continues with short ones', async () => {
    const long = new Array(2_000).fill('red green').join(' ');
    expectClose(await vectorOf('long', 'red'), bertVector(WORDS, 'red'));
    expect((await embed('long', [long]))[0]?.tokens).toBe(4_002);
    expectClose(await vectorOf('long', long), bertVector(WORDS, long));
    expectClose(await vectorOf('long', 'red'), bertVector(WORDS, 'red'));
  });

  it('shares one queue with generation, and does not affect its cached prefix', async () => {
    const sampling = { temperature: 0, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, seed: 0 };
    const order = { input: { prompt: 'once' }, maxNewTokens: 3, stop: [], sampling };
    const before = await host.models.generate('story', order);
    const [text, vectors] = await Promise.all([host.models.generate('story', order), embed('story', ['a', 'once'])]);
    expect(text.text).toBe(before.text);
    expect(vectors).toHaveLength(2);
    expect((await host.models.generate('story', order)).usage.cachedPromptTokens).toBe(1);
  });

  it.each<[string, 'embed' | 'generate' | 'rank', RegExp]>([
    ['ranker', 'embed', /reranker/],
    ['unpooled', 'embed', /bert\.pooling_type/],
    ['strange', 'embed', /pooling type, 9, is not supported/],
    ['strange', 'rank', /pooling type, 9, is not supported/],
    ['bert', 'generate', /does not generate text/],
    ['bert', 'rank', /no rank head/],
    ['story', 'rank', /no rank head/],
  ])('rejects requests that %s does not support: %s', async (id, ability, reason) => {
    const sampling = { temperature: 0, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, seed: 0 };
    const text = { name: 'query', text: 'red' };
    const asked = {
      embed: () => embed(id, ['red']),
      generate: () => host.models.generate(id, { input: { prompt: 'red' }, maxNewTokens: 1, stop: [], sampling }),
      rank: () => host.models.rank(id, { query: text, documents: [text], truncate: false }),
    };
    await expect(asked[ability]()).rejects.toMatchObject({
      code: 'MODEL_NOT_CAPABLE',
      details: { modelId: id, ability, reason: expect.stringMatching(reason) },
    });
  });

  describe('for minutes', () => {
    /** Each of them takes some tenths of a second. */
    const texts = Array.from({ length: 1_000 }, (_, i) => ({ name: `texts.${i}`, text: 'red '.repeat(4_000) }));
    const order = { texts, truncate: false };

    it('is cancelled in the runner when its caller disconnects, waiting or running', async () => {
      const controller = new AbortController();
      const first = host.models.embed('long', order, controller.signal);
      const waiting = host.models.embed('long', order, controller.signal);
      // The first request is running by then, because the queue is empty.
      await setImmediate();
      controller.abort(new Error('gone'));
      await expect(waiting).rejects.toThrow('gone');
      await expect(first).rejects.toThrow('gone');
      expectClose(await vectorOf('long', 'red'), bertVector(WORDS, 'red'));
    });

    it('is not stopped together with generations', async () => {
      const controller = new AbortController();
      const embedding = host.models.embed('long', order, controller.signal);
      await setImmediate();
      expect(host.models.stopGenerations()).toEqual([]);
      controller.abort(new Error('gone'));
      await expect(embedding).rejects.toThrow('gone');
    });

    it.each<[string, () => unknown, string]>([
      ['is unloaded', () => host.models.unload('passing'), 'MODEL_NOT_LOADED'],
      ['loses its process', () => process.kill(host.pidOf('passing') ?? 0, 'SIGKILL'), 'ENGINE_CRASHED'],
    ])('fails together with waiting requests when its model %s', async (_what, end, code) => {
      await host.load(await loadRequest('passing', join(folder.path, 'long.gguf'), { contextSize: 4_096 }));
      const both = [host.models.embed('passing', order), host.models.embed('passing', order)];
      const ends = Promise.allSettled(both);
      await setImmediate();
      await end();
      for (const one of await ends) expect(one).toMatchObject({ status: 'rejected', reason: { code } });
      // The engine learns at about the same time that the process has exited.
      if (host.models.get('passing') !== undefined) await host.models.unload('passing');
    });
  });
});

describe('ranking', () => {
  it('returns the expected scores', async () => {
    const query = { name: 'query', text: 'warm' };
    const documents = ['sun sun', 'sea', 'red', 'sun sea', 'sun'];
    const ranked = await host.models.rank('ranker', {
      query,
      documents: documents.map((text, i) => ({ name: `documents.${i}`, text })),
      truncate: false,
    });
    for (const [i, document] of documents.entries()) {
      expect(ranked[i]?.score).toBeCloseTo(bertScore(WORDS, WEIGHTS, 'warm', document), 4);
    }
  });

  it('rejects a pair that is too long, or truncates the document, never the query', async () => {
    const query = { name: 'query', text: 'warm' };
    const long = { name: 'documents.0', text: new Array(80).fill('sun').join(' ') };
    await expect(host.models.rank('ranker', { query, documents: [long], truncate: false })).rejects.toMatchObject({
      code: 'CONTEXT_OVERFLOW',
      details: { field: 'documents.0', room: 64 },
    });
    const [cut] = await host.models.rank('ranker', { query, documents: [long], truncate: true });
    expect(cut).toMatchObject({ tokens: 64, truncated: true });
    await expect(
      host.models.rank('ranker', { query: { ...long, name: 'query' }, documents: [query], truncate: true }),
    ).rejects.toMatchObject({ code: 'CONTEXT_OVERFLOW', details: { field: 'query' } });
  });
});
