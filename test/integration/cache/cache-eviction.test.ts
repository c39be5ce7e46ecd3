import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { HostError } from '../../../host/common/errors.ts';
import { modelKey } from '../../../host/model-files/layout.ts';
import { type ModelName, readModelName } from '../../../host/protocol/model-name.ts';
import { CacheFixture, openCache, QUICK_LIMITS, seededBytes } from '../../support/cache/cache-fixture.ts';
import type { HubRequest } from '../../support/hub/hub.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const CHUNK = QUICK_LIMITS.chunkBytes;
const SIZE = 4 * CHUNK;
const CONTENT = seededBytes(SIZE, 81);
const DAY_MS = 24 * 60 * 60 * 1000;
const named = (file: string) => readModelName({ modelId: `maker/many/${file}.gguf` });
const [A, B, C, D] = [named('a'), named('b'), named('c'), named('d')];
const NEW = named('new');

let fixture: CacheFixture;
afterEach(() => fixture.close());

/** Opens a cache with these models, used in this order. */
async function openWith(models: readonly ModelName[], limit = Number.POSITIVE_INFINITY): Promise<void> {
  const files = Object.fromEntries(['a', 'b', 'c', 'd', 'new'].map((file) => [`${file}.gguf`, CONTENT]));
  fixture = await CacheFixture.open(CONTENT, { hub: { repos: { 'maker/many': { files } } }, cacheLimit: limit });
  for (const [at, name] of models.entries()) {
    await fixture.cache.download(name);
    await usedAt(name, at + 1);
  }
}

async function usedAt(name: ModelName, second: number): Promise<void> {
  const [file = ''] = (await fixture.cache.find(name))?.files ?? [];
  await utimes(file, second, second);
}

const there = async () => (await fixture.cache.list()).map(({ name }) => name.file.replace('.gguf', ''));
const wish = { partialDays: undefined, orphans: false, limit: Number.POSITIVE_INFINITY };
const partials = () => readdir(join(fixture.home, 'partial')).catch((): string[] => []);

/** Creates an unfinished download. */
/** Matches every request for bytes except for the first chunk. */
const afterFirstChunk = ({ server, range }: HubRequest) =>
  server === 'cdn' && range !== undefined && !range.startsWith('bytes=0-');

async function leaveUnfinished(name: ModelName): Promise<string> {
  const controller = new AbortController();
  const reason = new HostError('ABORTED', 'enough');
  const before = await partials();
  const download = fixture.cache.download(name, {
    signal: controller.signal,
    onProgress: ({ downloaded }) => downloaded >= CHUNK && controller.abort(reason),
  });
  await expect(download).rejects.toBe(reason);
  await fixture.cache.pause(name).catch(() => {});
  const [file = ''] = (await partials()).filter((one) => !before.includes(one));
  return join(fixture.home, 'partial', file);
}

describe('cache usage', () => {
  it('lists models and partial downloads with sizes and last uses', async () => {
    await openWith([A, B]);
    await fixture.cache.eviction.recordUse(A);
    await fixture.cache.eviction.pin(B);
    fixture.hub.fault({ kind: 'stall', after: 10, match: afterFirstChunk });
    await leaveUnfinished(C);
    const { models, partials } = await fixture.cache.eviction.usage();
    const [a, b] = models;
    expect(a).toMatchObject({ name: A, size: SIZE, pinned: false });
    expect(Math.abs((a?.lastUsed ?? 0) - Date.now())).toBeLessThan(DAY_MS);
    expect(b).toMatchObject({ name: B, lastUsed: 2000, pinned: true });
    expect(partials).toMatchObject([{ name: C }]);
    expect(partials[0]?.bytes).toBeGreaterThanOrEqual(CHUNK);
    expect(partials[0]?.bytes).toBeLessThan(SIZE);
  });

  it('keeps a pin if the index is lost, and removes it together with its model', async () => {
    await openWith([A]);
    await fixture.cache.eviction.pin(A);
    await fixture.closeCache();
    for (const suffix of ['', '-wal', '-shm']) await rm(`${fixture.config.paths.database}${suffix}`, { force: true });
    await fixture.reopen();
    expect((await fixture.cache.eviction.usage()).models).toMatchObject([{ pinned: true }]);
    await fixture.cache.delete(A);
    await fixture.cache.download(A);
    expect((await fixture.cache.eviction.usage()).models).toMatchObject([{ pinned: false }]);
    await expect(fixture.cache.eviction.pin(B)).rejects.toMatchObject({ code: 'MODEL_NOT_DOWNLOADED' });
  });
});

describe('pruning', () => {
  it('removes nothing in a dry run', async () => {
    await openWith([A, B]);
    const { removed } = await fixture.cache.eviction.prune({ ...wish, limit: SIZE }, { dryRun: true });
    expect(removed).toMatchObject([{ kind: 'model', bytes: SIZE, model: { name: A } }]);
    expect(await there()).toEqual(['a', 'b']);
  });

  it('removes the least recently used models until the limit is met, except models in use', async () => {
    await openWith([A, B, C, D]);
    await fixture.cache.eviction.pin(A);
    await fixture.cache.eviction.recordUse(B);
    const other = await openCache(fixture.config);
    const use = await other.cache.lease(C, new AbortController().signal);
    const { removed } = await fixture.cache.eviction.prune({ ...wish, limit: 3 * SIZE }, { dryRun: false });
    expect(removed).toMatchObject([{ model: { name: D } }]);
    expect(await there()).toEqual(['a', 'b', 'c']);
    use.release();
    await fixture.cache.eviction.prune({ ...wish, limit: 0 }, { dryRun: false });
    expect(await there()).toEqual(['a']);
    await other.close();
  });

  it('removes downloads that were not resumed for the given number of days, and keeps others', async () => {
    await openWith([]);
    fixture.hub.fault({ kind: 'stall', after: 10, match: afterFirstChunk });
    const old = await leaveUnfinished(A);
    await leaveUnfinished(B);
    const then = (Date.now() - 8 * DAY_MS) / 1000;
    await utimes(old, then, then);
    const { removed } = await fixture.cache.eviction.prune({ ...wish, partialDays: 7 }, { dryRun: false });
    expect(removed).toMatchObject([{ kind: 'partial', partial: { name: A } }]);
    expect(await partials()).toHaveLength(1);
    expect((await fixture.cache.statuses()).map(({ name }) => name.id)).toEqual([B.id]);
  });

  it('removes files of unknown downloads, except recently written ones', async () => {
    await openWith([A]);
    const folder = join(fixture.home, 'partial');
    const [lost, fresh] = [`${'1'.repeat(32)}.partial`, `${'2'.repeat(32)}.partial`];
    await writeFile(join(folder, lost), 'lost');
    await writeFile(join(folder, fresh), 'fresh');
    await writeFile(join(folder, 'notes.partial'), 'none of the cache’s');
    const then = (Date.now() - DAY_MS) / 1000;
    for (const file of [lost, 'notes.partial']) await utimes(join(folder, file), then, then);
    const { removed } = await fixture.cache.eviction.prune({ ...wish, orphans: true }, { dryRun: false });
    expect(removed).toMatchObject([{ kind: 'orphan' }]);
    expect((await partials()).sort()).toEqual([fresh, 'notes.partial']);
  });
});

it('keeps a model that was pinned after the plan was made', async () => {
  await openWith([A, B, C]);
  // The first removal is logged before the second starts.
  const log = new RecordedLog();
  log.info = (event) => {
    if (event !== 'cache.removed') return;
    const pins = join(fixture.home, 'pins');
    mkdirSync(pins, { recursive: true });
    writeFileSync(join(pins, modelKey(B)), '');
  };
  const other = await openCache(fixture.config, Number.POSITIVE_INFINITY, log);
  const { removed, kept } = await other.cache.eviction.prune({ ...wish, limit: SIZE }, { dryRun: false });
  await other.close();
  expect(removed).toMatchObject([{ model: { name: A } }]);
  expect(kept).toMatchObject([{ model: { name: B } }]);
  expect(await there()).toEqual(['b', 'c']);
});

describe('the size limit', () => {
  it('evicts the least recently used model for a download', async () => {
    await openWith([A, B, C], 3 * SIZE + 10);
    await usedAt(A, 100);
    await fixture.cache.download(NEW);
    expect(await there()).toEqual(['a', 'c', 'new']);
  });

  it('rejects a download that cannot fit, and removes nothing', async () => {
    await openWith([A, B], 2 * SIZE + 10);
    await fixture.cache.eviction.pin(A);
    const use = await fixture.cache.lease(B, new AbortController().signal);
    await expect(fixture.cache.download(NEW)).rejects.toMatchObject({ code: 'CACHE_LIMIT', details: { needed: SIZE } });
    expect(await there()).toEqual(['a', 'b']);
    expect(existsSync(join(fixture.home, 'models', 'maker', 'many', 'new.gguf'))).toBe(false);
    expect(fixture.requestedBytes()).toBe(2 * SIZE);
    use.release();
    await fixture.cache.download(NEW);
    expect(await there()).toEqual(['a', 'new']);
  });

  it('reserves space for the remaining bytes of other downloads', async () => {
    // Enough for the files on the disk and the new model, but not for the rest of the other download.
    await openWith([A], 2.5 * SIZE);
    // Stalls only this file, permanently: it is downloading until its connection is closed.
    fixture.hub.fault({
      kind: 'stall',
      after: 10,
      match: ({ server, url }) => server === 'cdn' && url.includes(B.file),
    });
    const started = Promise.withResolvers<void>();
    const { config } = fixture;
    // Received data is written and reported when a connection is closed.
    const other = await openCache({ ...config, limits: { ...config.limits, stallTimeoutMs: 300 } });
    const controller = new AbortController();
    const waiting = other.cache.download(B, {
      signal: controller.signal,
      onProgress: ({ downloaded }) => downloaded > 0 && started.resolve(),
    });
    waiting.catch(() => {});
    await started.promise;
    await fixture.cache.eviction.pin(A);
    await expect(fixture.cache.download(NEW)).rejects.toMatchObject({ code: 'CACHE_LIMIT' });
    controller.abort(new HostError('ABORTED', 'enough'));
    await other.close();
  });
});
