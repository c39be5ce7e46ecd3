import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ModelCache } from '../../../host/cache/model-cache.ts';
import { lazy } from '../../../host/common/lazy.ts';
import { createLogger } from '../../../host/common/log.ts';
import type { HostLimits } from '../../../host/config.ts';
import { Hub } from '../../../host/hub/hub.ts';
import { openStore } from '../../../host/store/store.ts';
import type { Namespace, Store } from '../../../host/store/types.ts';
import {
  CacheFixture,
  FILE,
  NAME,
  openCache,
  QUICK_LIMITS,
  REPO,
  seededBytes,
} from '../../support/cache/cache-fixture.ts';

const CHUNK = QUICK_LIMITS.chunkBytes;
const CHILD = join(import.meta.dirname, '../../support/cache/download-child.ts');
const SEED = 33;
const CONTENT = seededBytes(96 * CHUNK + 1, SEED);

describe(`a process that is killed while downloading (content and moments of seed ${SEED})`, () => {
  let fixture: CacheFixture;
  let children: ChildProcess[];
  beforeEach(async () => {
    children = [];
    fixture = await CacheFixture.open(CONTENT, { hub: { bytesPerSecond: 600_000 } });
  });
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    await fixture.close();
  });

  function start(limits: Partial<HostLimits> = {}) {
    const folders = { TABAGENT_HOME: fixture.home, HOME: fixture.home };
    const env = { ...process.env, ...folders, HF_ENDPOINT: fixture.hub.url, TEST_LIMITS: JSON.stringify(limits) };
    // The child must not inherit Jest's options.
    const child = spawn(process.execPath, [CHILD], {
      env: { ...env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return { child, lines };
  }

  /** Waits until a child has reported at least `bytes` and returns the last number. */
  async function reached({ lines }: ReturnType<typeof start>, bytes: number): Promise<number> {
    for (;;) {
      const { value } = await lines.next();
      const said = value === 'done' ? CONTENT.length : Number(value);
      if (!(said < bytes)) return said;
    }
  }

  async function onDisk(): Promise<Buffer> {
    return readFile(join(fixture.home, 'models', ...REPO.split('/'), FILE));
  }

  it('loses at most the unfinished chunk of each connection, and the file is correct in the end', async () => {
    const moments = [...seededBytes(5, SEED)].map((byte, n) =>
      Math.floor(((n + byte / 256) / 5) * 0.9 * CONTENT.length),
    );
    for (const moment of moments) {
      const running = start();
      const told = await reached(running, moment);
      running.child.kill('SIGKILL');
      await once(running.child, 'close');
      const status = await fixture.cache.status(NAME);
      expect(status).toMatchObject({ status: 'paused', total: CONTENT.length });
      expect(status?.downloaded).toBeGreaterThanOrEqual(told - QUICK_LIMITS.connections * CHUNK);
      expect(await fixture.cache.list()).toEqual([]);
    }
    await fixture.cache.download(NAME);
    expect(await onDisk()).toEqual(CONTENT);
  });

  it('keeps incomplete chunks, and downloads only the missing bytes', async () => {
    // Each connection is inside its only chunk until the end.
    const limits = { chunkBytes: Math.ceil(CONTENT.length / QUICK_LIMITS.connections), recordPartialMs: 0 };
    const running = start(limits);
    const downloaded = await reached(running, CONTENT.length / 2);
    running.child.kill('SIGKILL');
    await once(running.child, 'close');
    const kept = (await fixture.cache.status(NAME))?.downloaded ?? 0;
    expect(kept).toBeGreaterThan(downloaded / 2);

    const next = start(limits);
    await reached(next, CONTENT.length);
    await once(next.child, 'close');
    expect(await onDisk()).toEqual(CONTENT);
    expect(fixture.requestedBytes()).toBe(2 * CONTENT.length - kept);
  });

  it('shares the download with other processes: the file is downloaded once, and all finish', async () => {
    const others = [start(), start()];
    await fixture.cache.download(NAME);
    for (const other of others) expect(await reached(other, CONTENT.length)).toBe(CONTENT.length);
    for (const { child } of others) if (child.exitCode === null) await once(child, 'close');
    expect(others.map(({ child }) => child.exitCode)).toEqual([0, 0]);
    expect(fixture.requestedBytes()).toBe(CONTENT.length);
    expect(await onDisk()).toEqual(CONTENT);
  });

  it('is replaced by a waiting process, which continues with its chunks', async () => {
    const leader = start();
    await reached(leader, 10 * CHUNK);
    let followed: (() => void) | undefined;
    const following = new Promise<void>((resolve) => {
      followed = resolve;
    });
    const done = fixture.cache.download(NAME, { onProgress: ({ downloaded }) => downloaded > 0 && followed?.() });
    await following;
    leader.child.kill('SIGKILL');
    await once(leader.child, 'close');
    const before = fixture.hub.requests.length;
    await done;
    expect(fixture.requestedBytes(before)).toBeLessThan(CONTENT.length - 5 * CHUNK);
    expect(await onDisk()).toEqual(CONTENT);
  });
});

describe('two hosts with one cache', () => {
  let fixture: CacheFixture;
  let other: Awaited<ReturnType<typeof openCache>>;
  beforeEach(async () => {
    fixture = await CacheFixture.open(CONTENT, { hub: { bytesPerSecond: 400_000 } });
    other = await openCache(fixture.config);
  });
  afterEach(async () => {
    await other.close();
    await fixture.close();
  });

  /** Lets the first host download and the second wait for it. Resolves when both have reported progress. */
  async function leadAndFollow() {
    const tell = Promise.withResolvers<void>();
    const controller = new AbortController();
    const led = fixture.cache.download(NAME, {
      signal: controller.signal,
      onProgress: ({ downloaded }) => downloaded > 2 * CHUNK && tell.resolve(),
    });
    led.catch(() => {});
    await tell.promise;
    const told = Promise.withResolvers<void>();
    const followed = other.cache.download(NAME, { onProgress: ({ downloaded }) => downloaded > 0 && told.resolve() });
    followed.catch(() => {});
    await told.promise;
    return { led, followed, controller };
  }

  it('continue in the second one when the last caller of the first one leaves', async () => {
    const { led, followed, controller } = await leadAndFollow();
    controller.abort(new Error('gone'));
    await expect(led).rejects.toThrow('gone');
    expect((await followed).model.size).toBe(CONTENT.length);
  });

  it('continue in the second one when the first one closes', async () => {
    const { led, followed } = await leadAndFollow();
    await fixture.closeCache();
    await expect(led).rejects.toMatchObject({ code: 'ABORTED' });
    expect((await followed).model.size).toBe(CONTENT.length);
  });

  it.each(['pause', 'cancel'] as const)('a %s by either host reaches the callers of both', async (what) => {
    const code = what === 'pause' ? 'DOWNLOAD_PAUSED' : 'DOWNLOAD_CANCELLED';
    const status = what === 'pause' ? 'paused' : 'cancelled';
    for (const by of [fixture, other]) {
      const { led, followed } = await leadAndFollow();
      expect(await by.cache[what](NAME)).toMatchObject({ status });
      await expect(led).rejects.toMatchObject({ code });
      await expect(followed).rejects.toMatchObject({ code });
      for (const { cache } of [fixture, other]) expect(await cache.status(NAME)).toMatchObject({ status });
    }
    await other.cache.download(NAME);
    expect((await fixture.cache.list()).map(({ size }) => size)).toEqual([CONTENT.length]);
  });

  it('apply the last request of either one, however quickly it follows', async () => {
    const { led, followed } = await leadAndFollow();
    for (const download of [led, followed]) download.catch(() => {});
    const caches = [fixture.cache, other.cache];
    for (let round = 0; round < 6; round += 1) {
      const [first, second] = round % 2 === 0 ? caches : caches.toReversed();
      if (first === undefined || second === undefined) throw new Error('Two caches are open');
      expect(await first.pause(NAME)).toMatchObject({ status: 'paused' });
      for (const cache of caches) expect(await cache.status(NAME)).toMatchObject({ status: 'paused' });
      expect(await second.resume(NAME)).toMatchObject({ status: 'downloading' });
      // Not awaited: the next request follows immediately, whether or not this one has started.
      void second.pause(NAME);
      void second.resume(NAME);
      void second.cancel(NAME).catch(() => {});
      void second.download(NAME).catch(() => {});
      expect(await second.pause(NAME)).toMatchObject({ status: 'paused' });
      expect(await first.resume(NAME)).toMatchObject({ status: 'downloading' });
      for (const cache of caches) expect(await cache.status(NAME)).toMatchObject({ status: 'downloading' });
    }
    for (const cache of caches) {
      await cache.download(NAME).catch(() => {});
      expect(await cache.status(NAME)).toMatchObject({ status: 'completed' });
    }
  });

  it('do not report the download of a deleted or pruned model as completed', async () => {
    const { followed, led } = await leadAndFollow();
    await Promise.all([led, followed]);
    await other.cache.delete(NAME);
    for (const { cache } of [fixture, other]) {
      expect(await cache.status(NAME)).toBeUndefined();
      await expect(cache.resume(NAME)).rejects.toMatchObject({ code: 'DOWNLOAD_NOT_FOUND' });
      await expect(cache.cancel(NAME)).rejects.toMatchObject({ code: 'DOWNLOAD_NOT_FOUND' });
    }
    await fixture.cache.download(NAME);
    const wish = { partialDays: undefined, orphans: false, limit: 0 };
    await fixture.cache.eviction.prune(wish, { dryRun: false });
    for (const { cache } of [fixture, other]) expect(await cache.status(NAME)).toBeUndefined();
  });

  it('do not delete a model that the other one is downloading', async () => {
    const { followed } = await leadAndFollow();
    const deleting = other.cache.delete(NAME);
    await expect(deleting).rejects.toMatchObject({ code: 'MODEL_IN_USE', details: { models: [NAME.id] } });
    await followed;
  });

  it('can delete a download as soon as its last caller has left', async () => {
    const { led, followed, controller } = await leadAndFollow();
    await other.close();
    await Promise.allSettled([followed]);
    controller.abort(new Error('gone'));
    await expect(led).rejects.toThrow('gone');
    expect((await fixture.cache.delete(NAME)).deleted).toEqual([NAME.id]);
    other = await openCache(fixture.config);
  });

  it('do not delete the partial files of a download that the other one has just resumed', async () => {
    const { followed, led } = await leadAndFollow();
    await other.cache.pause(NAME);
    await Promise.allSettled([followed, led]);
    const log = createLogger({ file: fixture.config.paths.logFile, debug: false });
    const opened = await openStore(fixture.config.paths.database, log);
    // The deletion has read that no host downloads the model when the download resumes.
    const resume = lazy(() => fixture.cache.resume(NAME));
    const store: Store = {
      namespace: <T>(name: string) => {
        const namespace = opened.namespace<T>(name);
        return name === 'chunks' ? afterReading(namespace, resume) : namespace;
      },
      close: () => opened.close(),
    };
    const hub = async () => new Hub({ endpoint: fixture.hub.url, env: {}, limits: fixture.config.limits, log });
    const deleting = await ModelCache.open({ config: fixture.config, hub, store, log });
    await expect(deleting.delete(NAME)).rejects.toMatchObject({ code: 'MODEL_IN_USE' });
    expect((await fixture.cache.download(NAME)).model.size).toBe(CONTENT.length);
    await deleting.close();
    await opened.close();
  });
});

/** Returns a namespace that calls `then` after reading many keys. */
function afterReading<T>(namespace: Namespace<T>, then: () => Promise<unknown>): Namespace<T> {
  return {
    get: (key) => namespace.get(key),
    getMany: async (keys) => {
      const found = await namespace.getMany(keys);
      await then();
      return found;
    },
    set: (key, value) => namespace.set(key, value),
    delete: (key) => namespace.delete(key),
    deleteMany: (keys) => namespace.deleteMany(keys),
    entries: () => namespace.entries(),
  };
}
