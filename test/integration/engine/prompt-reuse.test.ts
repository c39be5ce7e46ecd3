import { readdirSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { LoadSettings } from '../../../host/engine/ipc.ts';
import { ownerOf } from '../../../host/engine/states/state-name.ts';
import { StateStore } from '../../../host/engine/states/state-store.ts';
import type { GenerateRequest, Sampling } from '../../../host/models/generation.ts';
import type { ModelChange } from '../../../host/models/model-registry.ts';
import { isAlive, loadRequest, TestModels, WatchedLog } from '../../support/engine/test-models.ts';
import { largeModel } from '../../support/gguf/large-model.ts';
import { type ModelKind, writeModelKind } from '../../support/gguf/model-kinds.ts';
import { Seeded } from '../../support/gguf/seeded.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

const GREEDY: Sampling = { temperature: 0, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, seed: 0 };
const MiB = 2 ** 20;

const folder = tempFolder('reuse');
const model = join(folder.path, 'large.gguf');
const hosts: TestModels[] = [];
let homes = 0;

beforeAll(() => largeModel(model, { megabytes: 8, seed: 5 }));
afterEach(async () => void (await Promise.all(hosts.splice(0).map((host) => host.close()))));
afterAll(() => folder.remove());

/** Returns a new folder for evaluated prompts. */
function newFolder(): string {
  homes += 1;
  return join(folder.path, `states-${homes}`);
}

/** Starts a host with a folder for evaluated prompts, and loads the model. */
async function start(
  states: string,
  settings: Partial<LoadSettings> = {},
  { file = model, limitBytes = 512 * MiB } = {},
) {
  const host = new TestModels({ states: new StateStore({ folder: states, limitBytes, log: new WatchedLog() }) });
  hosts.push(host);
  const load = async (changes: Partial<LoadSettings> = {}) =>
    host.load(await loadRequest('m', file, { contextSize: 1024, ...settings, ...changes }));
  await load();
  const ask = async (prompt: string, order: Partial<GenerateRequest> = {}) => {
    const request = { input: { prompt }, maxNewTokens: 8, stop: [], sampling: GREEDY, ...order };
    const { text, usage } = await host.models.generate('m', request);
    return { text, tokens: usage.promptTokens, evaluated: usage.promptTokens - usage.cachedPromptTokens };
  };
  return { host, load, ask, unload: () => host.models.unload('m') };
}

/** Returns the state files of all models. */
function statesIn(states: string): string[] {
  return readdirSync(states, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'open')
    .flatMap(({ name }) => readdirSync(join(states, name)).map((file) => join(states, name, file)))
    .filter((file) => file.endsWith('.state'));
}

/** Returns words of the generated model, which differ for each seed. */
function words(seed: number, count = 60): string {
  return Array.from({ length: count }, (_, i) => `w${(seed * 131 + i * 17) % 3000}`).join(' ');
}

describe('the evaluated prompt of a conversation', () => {
  it('is reused after another conversation on the same sequence', async () => {
    const { ask } = await start(newFolder());
    const first = await ask(words(1));
    await ask(words(2));
    expect(await ask(words(1))).toEqual({ ...first, evaluated: 1 });
  });

  it('is reused after an unload, by another host, and on another sequence', async () => {
    const states = newFolder();
    const one = await start(states, { sequences: 2 });
    const first = await one.ask(words(1));
    await one.unload();
    await one.load();
    expect(await one.ask(words(1))).toEqual({ ...first, evaluated: 1 });
    await one.host.close();
    const other = await start(states, { sequences: 2 });
    const [again, new1] = await Promise.all([other.ask(words(1)), other.ask(words(3))]);
    expect(again).toEqual({ ...first, evaluated: 1 });
    expect(new1.evaluated).toBe(new1.tokens);
  });

  it('is reused by another conversation with the same prefix, and remains valid for the first one', async () => {
    const { ask } = await start(newFolder(), { sequences: 2 });
    const page = words(1);
    const first = await ask(`${page} ${words(2, 20)}`);
    const second = await ask(`${page} ${words(3, 20)}`);
    expect(second.evaluated).toBeLessThan(second.tokens / 2);
    expect(await ask(`${page} ${words(2, 20)}`)).toEqual({ ...first, evaluated: 1 });
  });

  it('is not written to the disk if the conversation is temporary', async () => {
    const states = newFolder();
    const { ask, unload } = await start(states);
    const first = await ask(words(1), { conversation: 'a', isTemporary: true });
    // Another conversation uses the sequence, whose previous state would be saved now.
    await ask(words(2), { conversation: 'b' });
    const again = await ask(words(1), { isTemporary: true });
    // The first word has the same start.
    expect(again.evaluated).toBeGreaterThan(first.tokens - 16);
    await unload();
    expect(statesIn(states).map((file) => file.includes(ownerOf('b')))).toEqual([true]);
  });

  it('is readable only by the user', async () => {
    const states = newFolder();
    const { ask, unload } = await start(states);
    await ask(words(1));
    await unload();
    const [file = ''] = statesIn(states);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(states).mode & 0o777).toBe(0o700);
  });

  it.each([
    ['other settings', { cacheTypeK: 'q8_0' as const }, model],
    ['another context length', { contextSize: 512 + 256 }, model],
  ])('is not reused with %s', async (_, settings, file) => {
    const states = newFolder();
    const one = await start(states);
    await one.ask(words(1));
    await one.host.close();
    const other = await start(states, settings, { file });
    const again = await other.ask(words(1));
    expect(again.evaluated).toBe(again.tokens);
  });

  it('is removed when the model file has changed', async () => {
    const states = newFolder();
    const copy = join(folder.path, 'copy.gguf');
    writeFileSync(copy, readFileSync(model));
    const one = await start(states, {}, { file: copy });
    await one.ask(words(1));
    await one.host.close();
    expect(statesIn(states)).toHaveLength(1);
    utimesSync(copy, new Date(), new Date(1e12));
    await new StateStore({ folder: states, limitBytes: MiB, log: new WatchedLog() }).sweep();
    expect(statesIn(states)).toEqual([]);
  });

  it('is removed together with its conversation, as are state files without one', async () => {
    const states = newFolder();
    const one = await start(states);
    await one.ask(words(1), { conversation: 'a' });
    await one.ask(words(2), { conversation: 'b' });
    await one.ask(words(3));
    await one.unload();
    expect(statesIn(states)).toHaveLength(3);
    await one.load();
    await one.host.engine.forget('a');
    expect(statesIn(states).map((file) => file.includes(ownerOf('b')))).toEqual([true]);
    const again = await one.ask(words(1));
    expect(again.evaluated).toBe(again.tokens);
    expect((await one.ask(words(2))).evaluated).toBe(1);
  });

  it('is also removed from memory', async () => {
    const { host, ask } = await start(newFolder());
    await ask(words(1), { conversation: 'a' });
    await host.engine.forget('a');
    const again = await ask(words(1));
    expect(again.evaluated).toBe(again.tokens);
  });

  it('is evicted from the disk at the size limit, least recently used first', async () => {
    const states = newFolder();
    const one = await start(states);
    await one.ask(words(1));
    await one.unload();
    const [file = ''] = statesIn(states);
    await one.host.close();
    const limitBytes = Math.floor(2.5 * statSync(file).size);
    const other = await start(states, {}, { limitBytes });
    for (const seed of [2, 3, 4]) await other.ask(words(seed));
    await other.unload();
    expect(statesIn(states)).toHaveLength(2);
    expect(statesIn(states)).not.toContain(file);
  });
});

describe('a runner that fills its folder beyond the limit', () => {
  it('is ended, and its model can be loaded again', async () => {
    const states = newFolder();
    const { host, ask, load } = await start(states, {}, { limitBytes: MiB });
    const pid = host.pidOf('m');
    const lost = new Promise<ModelChange>((resolve) => host.models.onChange(resolve));
    const [own = ''] = readdirSync(join(states, 'open')).map((name) => join(states, 'open', name));
    const file = join(own, 'large');
    writeFileSync(file, '');
    // It takes no space on the disk, but its size counts.
    truncateSync(file, 4 * 2 ** 30);
    expect(await lost).toMatchObject({
      type: 'lost',
      id: 'm',
      error: { code: 'ENGINE_ENDED', details: { reason: 'disk' } },
    });
    expect(isAlive(pid)).toBe(false);
    await load();
    expect((await ask(words(1))).text).not.toBe('');
  });
});

describe('a modified state file', () => {
  it('is removed and never loaded, wherever it was modified', async () => {
    const states = newFolder();
    const one = await start(states);
    const first = await one.ask(words(1));
    await one.unload();
    const [file = ''] = statesIn(states);
    const good = readFileSync(file);
    const random = new Seeded(17);
    const changes: ((bytes: Buffer) => Buffer)[] = [
      (bytes) => bytes.subarray(0, 0),
      (bytes) => bytes.subarray(0, bytes.length - 1),
      (bytes) => bytes.subarray(0, bytes.length / 2),
      (bytes) => Buffer.concat([bytes, Buffer.alloc(1)]),
      (bytes) => Buffer.alloc(bytes.length),
      // Tokens, their number, the description, and the values.
      ...[8, 12, 13, good.length - 1, good.length - 14, good.length - 60].map((at) => flip(at)),
      ...Array.from({ length: 6 }, () => flip(random.below(good.length))),
    ];
    for (const change of changes) {
      writeFileSync(file, change(Buffer.from(good)));
      await one.load();
      const again = await one.ask(words(1));
      expect(again).toEqual({ ...first, evaluated: again.tokens });
      await one.unload();
      // The prompt was evaluated again, and saved under the same name.
      expect(readFileSync(file).length).toBe(good.length);
    }
  }, 120_000);
});

/** Changes one bit. */
function flip(at: number) {
  return (bytes: Buffer) => {
    bytes.writeUInt8(bytes.readUInt8(at) ^ 4, at);
    return bytes;
  };
}

describe('models with partial state', () => {
  it.each<ModelKind>(['sliding-window', 'recurrent', 'hybrid'])(
    'answer as without a saved state: %s',
    async (kind) => {
      const file = join(folder.path, `${kind}.gguf`);
      await writeModelKind(file, kind, { seed: 3, layers: 4, pieces: 1024 });
      const prompts = [
        words(1, 80),
        words(2, 30),
        words(1, 80),
        `${words(1, 80)} w1 w2`,
        `${words(1, 40)} w5 ${words(3, 20)}`,
      ];
      const fresh: string[] = [];
      for (const prompt of prompts) {
        const alone = await start(newFolder(), {}, { file });
        fresh.push((await alone.ask(prompt)).text);
        await alone.host.close();
      }
      const { ask } = await start(newFolder(), {}, { file });
      const texts: string[] = [];
      for (const prompt of prompts) texts.push((await ask(prompt)).text);
      expect(texts).toEqual(fresh);
      expect(new Set(texts).size).toBeGreaterThan(1);
    },
    120_000,
  );
});
