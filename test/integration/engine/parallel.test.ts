import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { GenerateRequest, Sampling } from '../../../host/models/generation.ts';
import type { GenerateOptions } from '../../../host/models/loaded-entry.ts';
import { loadRequest, TestModels } from '../../support/engine/test-models.ts';
import { ENDLESS } from '../../support/gguf/chains.ts';
import { largeModel } from '../../support/gguf/large-model.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

const GREEDY: Sampling = { temperature: 0, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, seed: 0 };

const folder = tempFolder('parallel');
const host = new TestModels();

beforeAll(async () => {
  const [endless, large] = [join(folder.path, 'endless.gguf'), join(folder.path, 'large.gguf')];
  writeFileSync(endless, markovModel({ chain: ENDLESS }));
  await largeModel(large, { megabytes: 8, seed: 5 });
  await host.load(await loadRequest('two', endless, { contextSize: 16_384, sequences: 2 }));
  await host.load(await loadRequest('one', endless, { contextSize: 16_384 }));
  await host.load(await loadRequest('large', large, { contextSize: 512, sequences: 3 }));
}, 60_000);
afterAll(async () => {
  await host.close();
  folder.remove();
});

function generate(id: string, order: Partial<GenerateRequest> = {}, options: GenerateOptions = {}) {
  return host.models.generate(
    id,
    { input: { prompt: '' }, maxNewTokens: 100_000, stop: [], sampling: GREEDY, ...order },
    options,
  );
}

/** Returns words of the generated model, which differ for each seed. */
function words(seed: number, count: number): string {
  return Array.from({ length: count }, (_, i) => `w${(seed * 131 + i * 17) % 3000}`).join(' ');
}

const ask = (prompt: string) => generate('large', { input: { prompt }, maxNewTokens: 8 });

describe('several generations', () => {
  it('run concurrently, and can be stopped individually', async () => {
    const running = [generate('two', {}, { tag: 'a' }), generate('two', {}, { tag: 'b' })];
    const ends: string[] = [];
    for (const [index, result] of running.entries()) void result.then(() => ends.push('ab'[index] ?? ''));
    const short = generate('two', { maxNewTokens: 3 });
    host.models.stopGenerations({ id: 'two', tag: 'b' });
    // The third replaces the stopped one while the first is still running.
    expect((await short).usage.completionTokens).toBe(3);
    expect(ends).toEqual(['b']);
    host.models.stopGenerations({ id: 'two', tag: 'a' });
    expect((await Promise.all(running)).map(({ finishReason }) => finishReason)).toEqual(['stopped', 'stopped']);
  });

  it('produce the same text as sequential ones', async () => {
    // Each is evaluated in one piece: the results of longer ones depend, in the last digits, on how they are divided.
    const prompts = [words(1, 8), words(2, 10), words(3, 6)];
    const together = await Promise.all(prompts.map(ask));
    const alone: string[] = [];
    for (const prompt of prompts) alone.push((await ask(`${prompt} `.trimEnd())).text);
    expect(together.map(({ text }) => text)).toEqual(alone);
    expect(new Set(alone).size).toBeGreaterThan(1);
  });

  it('of a model with one sequence run in order', async () => {
    const first = generate('one', { maxNewTokens: 2_000 });
    const ends: number[] = [];
    void first.then(() => ends.push(1));
    await generate('one', { maxNewTokens: 1 });
    expect(ends).toEqual([1]);
  });

  it('do not delay embeddings', async () => {
    const running = generate('one', {}, { tag: 'long' });
    const [embedded] = await host.models.embed('one', { texts: [{ name: 'texts.0', text: 'tick' }], truncate: false });
    expect(embedded?.tokens).toBeGreaterThan(0);
    host.models.stopGenerations({ id: 'one' });
    expect((await running).finishReason).toBe('stopped');
  });
});

describe('alternating conversations', () => {
  it('are not evaluated again while there are enough sequences', async () => {
    const [a, b] = [words(10, 60), words(20, 40)];
    const fresh = await ask(a);
    await ask(b);
    const again = await ask(a);
    expect(again.usage.cachedPromptTokens).toBe(again.usage.promptTokens - 1);
    expect(again.text).toBe(fresh.text);
    const longer = await ask(`${b} w1 w2 w3`);
    expect(longer.usage.cachedPromptTokens).toBeGreaterThanOrEqual(40);
  });
});
