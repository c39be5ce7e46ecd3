import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { LoadSettings } from '../../../host/engine/ipc.ts';
import { StateStore } from '../../../host/engine/states/state-store.ts';
import { inspectModel } from '../../../host/gguf/inspect.ts';
import { demandOf, memoryFor } from '../../../host/hardware/demand.ts';
import type { Sampling } from '../../../host/models/generation.ts';
import { SETTINGS, TestModels, WatchedLog } from '../../support/engine/test-models.ts';
import { markovAdapter, SHORT_STORY, zeroPair } from '../../support/gguf/markov-adapter.ts';
import { markovModel, markovSpec, STORY_GREEDY } from '../../support/gguf/markov-model.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

const GREEDY: Sampling = { temperature: 0, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, seed: 0 };

const folder = tempFolder('adapters');
const model = join(folder.path, 'story.gguf');
const shortcut = join(folder.path, 'shortcut.gguf');
const hosts: TestModels[] = [];

beforeAll(() => {
  writeFileSync(model, markovModel());
  writeFileSync(shortcut, markovAdapter());
});
afterEach(async () => void (await Promise.all(hosts.splice(0).map((host) => host.close()))));
afterAll(() => folder.remove());

function start(states?: StateStore): TestModels {
  const host = new TestModels({ states });
  hosts.push(host);
  return host;
}

type Adapter = readonly [file: string, scale: number];

async function load(host: TestModels, adapters: readonly Adapter[], settings: Partial<LoadSettings> = {}) {
  const inspected = await inspectModel([model], { adapters: adapters.map(([file]) => file) });
  const chosen = adapters.map(([file, scale]) => ({ id: file, file, scale }));
  return host.load({
    id: 'm',
    model: inspected,
    settings: { ...SETTINGS, ...settings, ...(chosen.length > 0 && { adapters: chosen }) },
  });
}

async function tell(host: TestModels, prompt = '') {
  const request = { input: { prompt }, maxNewTokens: 16, stop: [], sampling: GREEDY };
  const { text, usage } = await host.models.generate('m', request);
  return { text: text.trim(), cached: usage.cachedPromptTokens };
}

describe('a model with an adapter', () => {
  it('generates as the adapter was trained, and without it as before', async () => {
    const host = start();
    await load(host, [[shortcut, 1]]);
    expect((await tell(host)).text).toBe(SHORT_STORY);
    await host.models.unload('m');
    await load(host, []);
    expect((await tell(host)).text).toBe(STORY_GREEDY);
  });

  it.each([
    ['0 has no effect', 0, STORY_GREEDY],
    ['that is too small changes nothing yet', 0.01, STORY_GREEDY],
    ['of one half is enough here', 0.5, SHORT_STORY],
    ['below zero does the opposite', -1, STORY_GREEDY],
  ])('a scale %s', async (_, scale, text) => {
    const host = start();
    await load(host, [[shortcut, scale]]);
    expect((await tell(host)).text).toBe(text);
  });

  it('uses it in all sequences', async () => {
    const host = start();
    await load(host, [[shortcut, 1]], { sequences: 3 });
    const texts = await Promise.all([tell(host), tell(host, 'once upon'), tell(host, 'once upon one')]);
    expect(texts.map(({ text }) => text)).toEqual([SHORT_STORY, 'one small model .', 'small model .']);
  });

  it('adds several adapters', async () => {
    const other = join(folder.path, 'other.gguf');
    writeFileSync(other, markovAdapter({ changes: { small: { time: 10 }, time: { '.': 10 } } }));
    const host = start();
    await load(host, [
      [shortcut, 1],
      [other, 1],
    ]);
    expect((await tell(host)).text).toBe('once upon one small time .');
  });

  it('embeds and ranks nothing: the binding would leave the adapter out', async () => {
    const host = start();
    await load(host, [[shortcut, 1]]);
    const texts = [{ name: 'text', text: 'once' }];
    await expect(host.models.embed('m', { texts, truncate: false })).rejects.toMatchObject({
      code: 'MODEL_NOT_CAPABLE',
    });
  });

  it('evaluates the largest number of adapters that change every matrix', async () => {
    const { tensors } = markovSpec();
    const pairs = tensors.flatMap(({ name, dimensions: [columns = 0, rows = 0] }) => {
      if (rows === 0) return [];
      const rank = 2;
      if (name === 'token_embd.weight') return zeroPair(name, { a: [rank, rows], b: [rank, columns] });
      return zeroPair(name, { a: [columns, rank], b: [rank, rows] });
    });
    const files = Array.from({ length: 15 }, (_, at) => join(folder.path, `all-${at}.gguf`));
    for (const file of files) writeFileSync(file, markovAdapter({ tensors: pairs }));
    const host = start();
    await load(host, [...files.map((file) => [file, 1] as const), [shortcut, 1]]);
    expect((await tell(host)).text).toBe(SHORT_STORY);
    expect((await tell(host, 'once upon one time there was a small model once upon')).text).toBe('one small model .');
  });
});

describe('what was evaluated with an adapter', () => {
  it('is used only with the same adapter at the same scale', async () => {
    const store = () =>
      new StateStore({ folder: join(folder.path, 'states'), limitBytes: 2 ** 28, log: new WatchedLog() });
    // Shorter prompts are not saved.
    const prompt = 'once upon one time there was a small model '.repeat(10);
    const cached = async (adapters: readonly Adapter[]) => {
      const host = start(store());
      await load(host, adapters);
      const used = (await tell(host, prompt)).cached;
      await host.models.unload('m');
      await host.close();
      return used > 0;
    };
    expect(await cached([[shortcut, 1]])).toBe(false);
    expect(await cached([[shortcut, 1]])).toBe(true);
    expect(await cached([[shortcut, 0.5]])).toBe(false);
    expect(await cached([])).toBe(false);
    writeFileSync(shortcut, Buffer.concat([markovAdapter(), Buffer.alloc(32)]));
    expect(await cached([[shortcut, 1]])).toBe(false);
  });
});

it('counts the memory of adapters in the estimate and in what a model uses', async () => {
  const { tensors } = markovSpec();
  const { dimensions: [columns = 0, rows = 0] = [] } = tensors.find(({ name }) => name === 'output.weight') ?? {};
  const large = join(folder.path, 'large.gguf');
  const rank = 4096;
  writeFileSync(large, markovAdapter({ tensors: zeroPair('output.weight', { a: [columns, rank], b: [rank, rows] }) }));
  const bytes = 4 * rank * (columns + rows);
  const ram = async (adapters: readonly string[]) => {
    const { shape } = await inspectModel([model], { adapters });
    return memoryFor(demandOf(shape, SETTINGS), 0, 1).ram;
  };
  expect((await ram([large])) - (await ram([]))).toBeGreaterThanOrEqual(bytes);
  const host = start();
  const plain = (await load(host, [])).model.ramUsed;
  await host.models.unload('m');
  expect((await load(host, [[large, 1]])).model.ramUsed - plain).toBe(bytes);
});
