import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import * as v from 'valibot';
import { Catalog } from '../../../host/catalog/catalog.ts';
import suggestions from '../../../host/catalog/suggested.json' with { type: 'json' };
import { catalogEntry } from '../../../host/protocol/actions/catalog.ts';
import { readModelName } from '../../../host/protocol/model-name.ts';
import { openStore } from '../../../host/store/store.ts';
import type { Store } from '../../../host/store/types.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const folder = tempFolder('catalog');
afterAll(() => folder.remove());

let file: string;
let log: RecordedLog;
let store: Store;
let made = 0;

beforeEach(async () => {
  file = join(folder.path, `${made++}`, 'index.sqlite');
  log = new RecordedLog();
  store = await openStore(file, log);
});
afterEach(() => store.close());

async function open(): Promise<Catalog> {
  return Catalog.open(store, log);
}

/** Opens the catalog as a restarted host does. */
async function reopen(): Promise<Catalog> {
  await store.close();
  store = await openStore(file, log);
  return open();
}

describe('the suggested models', () => {
  it.each(suggestions.map(({ repo, file }) => [repo, file] as const))(
    'have a valid file name in %s: %s',
    (repo, file) => {
      const name = readModelName({ modelPath: repo, modelFile: file });
      expect(name.repoId).toBe(repo);
      expect(name.file).toBe(file);
      expect(file).toMatch(/\.gguf$/);
    },
  );

  it('are valid protocol entries with unique IDs, of types that this host runs', async () => {
    const entries = await (await open()).entries();
    expect(entries).toHaveLength(suggestions.length);
    expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length);
    for (const entry of entries) {
      expect(v.parse(catalogEntry, { ...entry, downloaded: false })).toEqual({ ...entry, downloaded: false });
      expect(readModelName({ modelPath: entry.id }).id).toBe(entry.id);
      expect(['gguf', 'bitnet']).toContain(entry.model_type);
      expect(entry).toMatchObject({ source: 'default', suggested: true, requires_token: false });
      expect(entry.default_quant).not.toBe('');
      expect(entry.description).not.toBe('');
    }
  });

  it('have between 0.1 and 30 GB, which home computers can run', () => {
    for (const { file, size_gb } of suggestions) {
      expect([file, size_gb >= 0.1 && size_gb <= 30]).toEqual([file, true]);
    }
  });

  it('start with the original’s default for GGUF, and contain its other defaults', async () => {
    const catalog = await open();
    expect(await catalog.defaultFor('gguf')).toMatchObject({
      repo_id: 'unsloth/Qwen3-30B-A3B-GGUF',
      default_quant: 'Q4_K_M',
    });
    expect((await catalog.defaultFor('bitnet'))?.model_type).toBe('bitnet');
    expect(await catalog.defaultFor('onnx')).toBeUndefined();
    const repositories = (await catalog.entries()).map((entry) => entry.repo_id);
    for (const original of [/Qwen2\.5-1\.5B/, /Llama-3\.2-3B/, /SmolLM3-3B/]) {
      expect(repositories).toContainEqual(expect.stringMatching(original));
    }
  });
});

describe('adding a model', () => {
  it('requires only the repository and the file, and derives the rest from the name', async () => {
    const added = await (await open()).add({ repo_id: 'me/My-Model-GGUF', file_path: 'sub/My-Model-TQ2_0.gguf' });
    expect(added).toEqual({
      id: 'me/My-Model-GGUF/sub/My-Model-TQ2_0.gguf',
      name: 'My-Model-TQ2_0',
      repo_id: 'me/My-Model-GGUF',
      file_path: 'sub/My-Model-TQ2_0.gguf',
      model_type: 'bitnet',
      size_gb: 0,
      tags: [],
      suggested: false,
      description: '',
      default_quant: 'TQ2_0',
      source: 'user',
      requires_token: false,
    });
  });

  it('keeps the given fields after a restart, also with a complete ID', async () => {
    const described = {
      id: 'me/repo/file-Q8_0.gguf',
      name: 'Mine',
      size_gb: 1.5,
      tags: ['a', 'b'],
      description: 'my own',
      default_quant: 'Q8_0',
      requires_token: true,
    };
    await (await open()).add(described);
    const entries = await (await reopen()).entries();
    expect(entries).toHaveLength(suggestions.length + 1);
    expect(entries.at(-1)).toMatchObject({
      ...described,
      repo_id: 'me/repo',
      file_path: 'file-Q8_0.gguf',
      source: 'user',
    });
  });

  it('replaces the suggested entry with the same ID, and the last of two entries wins', async () => {
    const [first] = suggestions;
    const id = `${first?.repo}/${first?.file}`;
    const catalog = await open();
    await catalog.add({ id, name: 'First try' });
    await catalog.add({ id, name: 'As I call it' });
    const entries = await (await reopen()).entries();
    expect(entries).toHaveLength(suggestions.length);
    expect(entries[0]).toMatchObject({ id, name: 'As I call it', source: 'user' });
  });

  it.each([
    ['neither repository nor id', { name: 'x' }, 'model.repo_id'],
    ['a repository without a file', { repo_id: 'me/repo' }, 'modelFile'],
    ['a repository that is no name', { repo_id: '../etc', file_path: 'a.gguf' }, 'modelPath'],
    ['a file outside the repository', { repo_id: 'me/repo', file_path: '../../a.gguf' }, 'modelFile'],
    ['another file than its id names', { id: 'me/repo/a.gguf', file_path: 'b.gguf' }, 'modelFile'],
  ])('rejects %s and names the field', async (_what, input, field) => {
    const catalog = await open();
    await expect(catalog.add(input)).rejects.toMatchObject({ code: 'INVALID_REQUEST', details: { field } });
    expect(await catalog.entries()).toHaveLength(suggestions.length);
  });

  it.each(['model.onnx', 'model.safetensors', 'gemma3-1b-it-int4.task'])(
    'refuses %s, which this host does not run',
    async (file_path) => {
      const catalog = await open();
      await expect(catalog.add({ repo_id: 'me/repo', file_path })).rejects.toMatchObject({
        code: 'UNSUPPORTED_MODEL_TYPE',
      });
      expect(await catalog.entries()).toHaveLength(suggestions.length);
    },
  );

  it('rejects a type that this host cannot run, whatever the file name', async () => {
    const catalog = await open();
    const input = { repo_id: 'me/repo', file_path: 'a.gguf', model_type: 'onnx' } as const;
    await expect(catalog.add(input)).rejects.toMatchObject({ code: 'UNSUPPORTED_MODEL_TYPE' });
    expect(await catalog.entries()).toHaveLength(suggestions.length);
  });
});

describe('invalid entries in the database', () => {
  it.each([
    ['a number', 7],
    ['nothing', null],
    ['an entry without its name', { id: 'me/repo/a.gguf', repo_id: 'me/repo' }],
  ])('is skipped and logged if it is %s, and the others are listed', async (_what, broken) => {
    const catalog = await open();
    await catalog.add({ repo_id: 'me/good', file_path: 'good.gguf' });
    await store.namespace('catalog').set('me/repo/a.gguf', broken);
    const entries = await catalog.entries();
    expect(entries.map(({ id }) => id)).toContain('me/good/good.gguf');
    expect(entries).toHaveLength(suggestions.length + 1);
    expect(log.lines).toEqual([expect.objectContaining({ level: 'warn', fields: { id: 'me/repo/a.gguf' } })]);
  });
});
