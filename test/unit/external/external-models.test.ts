import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HostError } from '../../../host/common/errors.ts';
import { ExternalModels } from '../../../host/external/external-models.ts';
import { readModelName } from '../../../host/protocol/model-name.ts';
import { openStore } from '../../../host/store/store.ts';
import type { Store } from '../../../host/store/types.ts';
import { put, putHubCache, putOllama, sha256 } from '../../support/external/programs.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { tinyGguf } from '../../support/gguf/tiny-gguf.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const folder = tempFolder('local-models');
afterAll(() => folder.remove());

const MODEL = tinyGguf();
const NAME = readModelName({ modelPath: 'maker/model/m.gguf' });

let home: string;
let store: Store;
let made = 0;
beforeEach(async () => {
  home = join(folder.path, `${made++}`);
  mkdirSync(home);
  store = await openStore(join(home, 'index.sqlite'), new RecordedLog());
});
afterEach(() => store.close());

function open(): ExternalModels {
  const env = { HOME: home, OLLAMA_MODELS: join(home, '.ollama/models') };
  return new ExternalModels({
    config: { env, paths: { home, locks: join(home, 'locks') } },
    store: async () => store,
    log: new RecordedLog(),
  });
}
const remote = (content: Buffer) => ({
  name: NAME,
  file: NAME.file,
  size: content.length,
  checksum: { algorithm: 'sha256' as const, hex: sha256(content) },
  etag: 'x',
  commit: null,
});

describe('external models', () => {
  it("have the hub's ID once, even if several programs have them", async () => {
    putHubCache(join(home, '.cache/huggingface/hub'), { repo: 'maker/model', file: 'm.gguf', content: MODEL });
    put(MODEL, home, '.cache/llama.cpp/maker_model_m.gguf');
    const manifest = { ggufFile: { rfilename: 'm.gguf', lfs: { sha256: sha256(MODEL) } } };
    put(JSON.stringify(manifest), home, '.cache/llama.cpp/manifest=maker=model=latest.json');
    const { models } = await open().list();
    expect(models.map(({ offered, source }) => [offered.id, source])).toEqual([
      ['local/llama.cpp/maker_model_m.gguf', 'llama.cpp'],
      ['maker/model/m.gguf', 'huggingface'],
    ]);
  });

  it('are identified by checksum: the same bytes in another program have the same ID', async () => {
    const blob = putOllama(join(home, '.ollama/models'), 'm', '1', [{ content: MODEL }]);
    expect((await open().match(NAME, [remote(MODEL)]))?.files[0]?.path).toBe(blob);
    expect((await open().find(NAME))?.files[0]?.path).toBe(blob);
    expect((await open().list()).models.map(({ offered }) => offered.id)).toEqual([NAME.id]);
  });

  it('do not match files with another size, another checksum, or without a SHA-256', async () => {
    put(MODEL, home, '.lmstudio/models/maker/model/m.gguf');
    const longer = Buffer.concat([MODEL, Buffer.alloc(1)]);
    expect(await open().match(NAME, [remote(longer)])).toBeUndefined();
    const other = Buffer.from(MODEL);
    other.fill(1, other.length - 1);
    expect(await open().match(NAME, [remote(other)])).toBeUndefined();
    const git = { ...remote(MODEL), checksum: { algorithm: 'git-sha1' as const, hex: 'a'.repeat(40) } };
    expect(await open().match(NAME, [git])).toBeUndefined();
    expect(await open().match(NAME, [remote(MODEL), remote(MODEL)])).toBeUndefined();
    expect(await open().match(NAME, [remote(MODEL)])).toBeDefined();
  });

  it('are read once for all callers, and again if the file has changed', async () => {
    const path = putOllama(join(home, '.ollama/models'), 'm', '1', [{ content: MODEL }]);
    const local = open();
    const [model] = (await local.list()).models;
    if (model === undefined) throw new Error('No model');
    const heard: number[] = [];
    const onProgress = ({ checked }: { checked: number }) => heard.push(checked);
    await Promise.all([local.verify(model, { onProgress }), local.verify(model)]);
    expect(heard).toEqual([MODEL.length]);
    await local.verify(model, { onProgress });
    await open().verify(model, { onProgress });
    expect(heard).toHaveLength(1);

    const damaged = Buffer.from(MODEL);
    damaged.fill(1, damaged.length - 1);
    writeFileSync(path, damaged);
    utimesSync(path, 1, 1);
    const [changed] = (await local.list()).models;
    if (changed === undefined) throw new Error('No model');
    await expect(local.verify(changed)).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH', details: { path } });
    // The cached checksum is not used after the file has changed.
    await expect(local.verify(model)).rejects.toMatchObject({ code: 'MODEL_NOT_DOWNLOADED' });
  });

  it('are no longer read when the last caller aborts', async () => {
    putOllama(join(home, '.ollama/models'), 'm', '1', [{ content: MODEL }]);
    const local = open();
    const [model] = (await local.list()).models;
    if (model === undefined) throw new Error('No model');
    const reason = new HostError('ABORTED', 'gone');
    await expect(local.verify(model, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await local.verify(model);
  });

  it('are listed even if the database is damaged', async () => {
    putOllama(join(home, '.ollama/models'), 'm', '1', [{ content: MODEL }]);
    const junk = [null, 7, 'x', [], {}, { files: [] }, { files: ['/etc/passwd'] }, { files: [{}], source: 'x' }];
    for (const namespace of ['adopted', 'imported', 'local-files']) {
      for (const [at, value] of junk.entries()) await store.namespace(namespace).set(`maker/model/${at}.gguf`, value);
    }
    await store.namespace('imported').set('../../x', { files: [join(home, 'index.sqlite')] });
    await store.namespace('imported').set('local/import/x', { files: [join(home, 'index.sqlite')] });
    const { models, missing, rejected } = await open().list();
    expect(models.map(({ offered }) => offered.id)).toEqual(['local/ollama/m/1']);
    expect(missing).toEqual([]);
    expect(rejected.map(({ source }) => source)).toContain('import');
  });
});
