import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ModelCache } from '../../../host/cache/model-cache.ts';
import { HostError } from '../../../host/common/errors.ts';
import { Hub } from '../../../host/hub/hub.ts';
import { readModelName } from '../../../host/protocol/model-name.ts';
import { openStore } from '../../../host/store/store.ts';
import { CacheFixture, FILE, NAME, QUICK_LIMITS, REPO, seededBytes } from '../../support/cache/cache-fixture.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const CHUNK = QUICK_LIMITS.chunkBytes;
const SEED = 51;
const CONTENT = seededBytes(12 * CHUNK + 5, SEED);
const SHARDS = {
  'big-00001-of-00003.gguf': seededBytes(3 * CHUNK, 1),
  'big-00002-of-00003.gguf': seededBytes(12 * CHUNK, 2),
  'big-00003-of-00003.gguf': seededBytes(10, 3),
};
const SHARDED = readModelName({ modelPath: REPO, modelFile: 'big-00001-of-00003.gguf' });

let fixture: CacheFixture;
afterEach(() => fixture.close());

const modelPath = (file = FILE) => join(fixture.home, 'models', ...REPO.split('/'), file);
const partials = () => readdir(join(fixture.home, 'partial')).catch(() => []);

async function put(path: string, bytes: Buffer | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

describe(`a download whose path is occupied (content of seed ${SEED})`, () => {
  it('treats an existing file of any size as the model and does not change it', async () => {
    fixture = await CacheFixture.open(CONTENT);
    await put(modelPath(), 'of my own');
    expect(await fixture.cache.download(NAME)).toMatchObject({ alreadyDownloaded: true, model: { size: 9 } });
    expect(fixture.hub.requests).toEqual([]);
  });

  it('does not overwrite a part whose size differs from the announced one, and allows the download after deletion', async () => {
    fixture = await CacheFixture.open(CONTENT, { hub: { repos: { [REPO]: { files: SHARDS } } } });
    const part = modelPath('big-00002-of-00003.gguf');
    await put(part, 'of my own');
    await expect(fixture.cache.download(SHARDED)).rejects.toMatchObject({
      code: 'SIZE_MISMATCH',
      details: { path: part, expected: 12 * CHUNK, found: 9 },
    });
    expect(await readFile(part, 'utf8')).toBe('of my own');
    expect(fixture.requestedBytes()).toBe(0);
    expect(await fixture.cache.delete(SHARDED)).toEqual({ freed: 9, deleted: [SHARDED.id] });
    await fixture.cache.download(SHARDED);
    expect(await readFile(part)).toEqual(SHARDS['big-00002-of-00003.gguf']);
  });

  it.each<[string, (path: string) => Promise<unknown>, string]>([
    ['a folder', (path) => mkdir(path, { recursive: true }), 'CACHE_ERROR'],
    [
      'a link, even a dangling one',
      async (path) => {
        await mkdir(dirname(path), { recursive: true });
        await symlink(join(fixture.home, 'elsewhere'), path);
      },
      'CACHE_ERROR',
    ],
    ['a file in the place of its folder', (path) => put(dirname(path), 'in the way'), 'CACHE_NOT_WRITABLE'],
  ])('reports %s before downloading any bytes', async (_what, make, code) => {
    fixture = await CacheFixture.open(CONTENT);
    await make(modelPath());
    await expect(fixture.cache.download(NAME)).rejects.toMatchObject({ code });
    expect(fixture.requestedBytes()).toBe(0);
    expect(existsSync(join(fixture.home, 'elsewhere'))).toBe(false);
  });

  it('does not write through a link at the path of the partial file', async () => {
    fixture = await CacheFixture.open(CONTENT, { hub: { bytesPerSecond: 100_000 } });
    const waiting = fixture.cache.download(NAME);
    waiting.catch(() => {});
    while ((await partials()).length === 0) await new Promise((resolve) => setImmediate(resolve));
    const partial = join(fixture.home, 'partial', (await partials())[0] ?? '');
    await fixture.cache.cancel(NAME);
    await put(join(fixture.home, 'precious'), 'precious');
    await symlink(join(fixture.home, 'precious'), partial);
    await expect(fixture.cache.download(NAME)).rejects.toBeInstanceOf(HostError);
    expect(await readFile(join(fixture.home, 'precious'), 'utf8')).toBe('precious');
  });

  it('downloads despite an invalid lock file', async () => {
    fixture = await CacheFixture.open(CONTENT);
    await fixture.cache.download(NAME);
    await fixture.cache.delete(NAME);
    const locks = join(fixture.home, 'locks');
    for (const lock of await readdir(locks)) await writeFile(join(locks, lock), seededBytes(10_000, 3));
    await fixture.cache.download(NAME);
    expect(await readFile(modelPath())).toEqual(CONTENT);
  });
});

describe('the index', () => {
  const nonsense: unknown[] = [
    null,
    'text',
    { size: 1e300, checksum: { algorithm: 'sha256', hex: '' }, etag: '', commit: null, chunkBytes: 1 },
    { size: 2 ** 50, checksum: { algorithm: 'sha256', hex: '' }, etag: '', commit: null, chunkBytes: 1 },
    { size: 10, checksum: { algorithm: 'sha256', hex: '' }, etag: '', commit: null, chunkBytes: 0 },
    { size: -10, checksum: { algorithm: 'sha256', hex: '' }, etag: '', commit: null, chunkBytes: -5 },
    { state: 'paused', downloaded: -1, total: 'much', startedAt: 0 },
    { state: 'dancing', downloaded: 1, total: 1, startedAt: 0 },
  ];

  it.each(nonsense)('is ignored if it contains an invalid value: %j', async (value) => {
    fixture = await CacheFixture.open(CONTENT, { hub: { bytesPerSecond: 100_000 } });
    const waiting = fixture.cache.download(NAME);
    waiting.catch(() => {});
    while ((await partials()).length === 0) await new Promise((resolve) => setImmediate(resolve));
    await fixture.closeCache();
    const key = (await partials())[0]?.replace('.partial', '') ?? '';
    const store = await openStore(fixture.config.paths.database, new RecordedLog());
    await store.namespace('files').set(key, value);
    await store.namespace('downloads').set(NAME.id, value);
    for (let chunk = 0; chunk < 13; chunk += 1) await store.namespace('chunks').set(`${key}:${chunk}`, value);
    await store.close();
    await fixture.reopen();
    await fixture.cache.statuses();
    await fixture.cache.download(NAME);
    expect(await readFile(modelPath())).toEqual(CONTENT);
  });

  it('is not required to find models on the disk', async () => {
    fixture = await CacheFixture.open(CONTENT);
    await fixture.cache.download(NAME);
    const fault = new HostError('CACHE_NOT_WRITABLE', 'no database');
    const cache = await ModelCache.open({
      config: fixture.config,
      hub: () => Promise.reject(fault),
      store: () => Promise.reject(fault),
      log: new RecordedLog(),
    });
    expect(await cache.list()).toHaveLength(1);
    expect(await cache.find(NAME)).toMatchObject({ size: CONTENT.length });
    expect(await cache.download(NAME)).toMatchObject({ alreadyDownloaded: true });
    expect(await cache.status(NAME)).toMatchObject({ status: 'completed' });
    await expect(cache.download({ ...NAME, file: 'b.gguf', id: `${REPO}/b.gguf` })).rejects.toBe(fault);
  });

  it('reports all lost bytes in one pass', async () => {
    fixture = await CacheFixture.open(CONTENT, { hub: { bytesPerSecond: 400_000 } });
    const controller = new AbortController();
    const waiting = fixture.cache.download(NAME, {
      signal: controller.signal,
      onProgress: ({ downloaded }) => downloaded > 9 * CHUNK && controller.abort(new Error('enough')),
    });
    await expect(waiting).rejects.toThrow('enough');
    await fixture.closeCache();
    // As after a power failure: the file has the right size, but not the data.
    await writeFile(join(fixture.home, 'partial', (await partials())[0] ?? ''), Buffer.alloc(CONTENT.length));
    await fixture.reopen();
    const before = fixture.hub.requests.length;
    await fixture.cache.download(NAME);
    expect(await readFile(modelPath())).toEqual(CONTENT);
    const ranges = fixture.hub.requests.slice(before).filter(({ server }) => server === 'cdn');
    expect(ranges.length).toBeLessThan(13);
  });
});

const canMount = process.platform === 'linux' && process.getuid?.() === 0;
(canMount ? describe : describe.skip)('a cache on a read-only disk (requires root to mount it)', () => {
  afterEach(() => {
    spawnSync('umount', ['--lazy', fixture.home]);
  });

  it('allows reading models, and rejects everything else with CACHE_NOT_WRITABLE', async () => {
    fixture = await CacheFixture.open(CONTENT, {
      hub: { repos: { [REPO]: { files: { [FILE]: CONTENT, 'b.gguf': CONTENT } } } },
    });
    const other = readModelName({ modelPath: REPO, modelFile: 'b.gguf' });
    await fixture.cache.download(NAME);
    await fixture.closeCache();
    const mounts = [
      ['--bind', fixture.home, fixture.home],
      ['-o', 'remount,ro,bind', fixture.home],
    ].map((args) => spawnSync('mount', args).status);
    // Containers may not allow mounts, even for root.
    if (mounts.some((status) => status !== 0)) return;

    const { hubEndpoint: endpoint, env, limits, paths } = fixture.config;
    const log = new RecordedLog();
    const cache = await ModelCache.open({
      config: fixture.config,
      hub: async () => new Hub({ endpoint, env, limits, log }),
      store: () => openStore(paths.database, log),
      log,
    });
    expect(await cache.list()).toHaveLength(1);
    expect(await cache.download(NAME)).toMatchObject({ alreadyDownloaded: true });
    for (const refused of [() => cache.download(other), () => cache.delete(NAME)]) {
      await expect(refused()).rejects.toMatchObject({
        code: 'CACHE_NOT_WRITABLE',
        message: expect.stringContaining('TABAGENT_HOME'),
      });
    }
    // Requests that write nothing report the same as before.
    for (const missing of [() => cache.resume(other), () => cache.cancel(other)]) {
      await expect(missing()).rejects.toMatchObject({ code: 'DOWNLOAD_NOT_FOUND' });
    }
    expect(await cache.list()).toHaveLength(1);
    await cache.close();
  });
});

describe('deleting', () => {
  it('returns the bytes freed, leaves no empty folders, and rejects a missing model with MODEL_NOT_DOWNLOADED', async () => {
    fixture = await CacheFixture.open(CONTENT);
    await fixture.cache.download(NAME);
    expect(await fixture.cache.delete(NAME)).toEqual({
      freed: CONTENT.length,
      deleted: [NAME.id],
    });
    expect(await readdir(join(fixture.home, 'models'))).toEqual([]);
    await expect(fixture.cache.delete(NAME)).rejects.toMatchObject({
      code: 'MODEL_NOT_DOWNLOADED',
    });
    expect(await fixture.cache.status(NAME)).toBeUndefined();
  });

  it('removes all models of a repository, but not those of another revision', async () => {
    const files = { ...SHARDS, 'dir/one.gguf': CONTENT, 'two.gguf': CONTENT };
    fixture = await CacheFixture.open(CONTENT, { hub: { repos: { [REPO]: { files } } } });
    for (const modelFile of ['dir/one.gguf', 'two.gguf', SHARDED.file]) {
      await fixture.cache.download(readModelName({ modelPath: REPO, modelFile }));
    }
    await put(join(fixture.home, 'models', 'maker', 'model-GGUF@v2', 'two.gguf'), 'other');
    const repo = { owner: NAME.owner, repo: NAME.repo, repoId: NAME.repoId, revision: 'main' };
    const two = readModelName({ modelPath: REPO, modelFile: 'two.gguf' });
    const lease = await fixture.cache.lease(two, new AbortController().signal);
    await expect(fixture.cache.delete(repo)).rejects.toMatchObject({
      code: 'MODEL_IN_USE',
      details: { models: [two.id] },
    });
    lease.release();
    expect(await fixture.cache.list()).toHaveLength(4);
    const { freed } = await fixture.cache.delete(repo);
    expect(freed).toBe(2 * CONTENT.length + Object.values(SHARDS).reduce((sum, { length }) => sum + length, 0));
    expect((await fixture.cache.list()).map(({ name }) => name.id)).toEqual(['maker/model-GGUF@v2/two.gguf']);
  });
});
