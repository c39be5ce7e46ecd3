import { open, readdir, readFile, stat, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HostError } from '../../../host/common/errors.ts';
import type { DownloadStatus } from '../../../host/model-files/types.ts';
import { readModelName } from '../../../host/protocol/model-name.ts';
import { CacheFixture, FILE, NAME, QUICK_LIMITS, REPO, seededBytes } from '../../support/cache/cache-fixture.ts';

const CHUNK = QUICK_LIMITS.chunkBytes;
const SEED = 7;
const CONTENT = seededBytes(20 * CHUNK + 123, SEED);

let fixture: CacheFixture;
afterEach(() => fixture.close());

async function modelOnDisk(): Promise<Buffer> {
  return readFile(join(fixture.home, 'models', 'maker', 'model-GGUF', FILE));
}

async function partials(): Promise<string[]> {
  return readdir(join(fixture.home, 'partial')).catch(() => []);
}

/** Downloads until this many bytes have been received, then pauses. */
async function downloadAbout(bytes: number): Promise<DownloadStatus> {
  const controller = new AbortController();
  const waiting = fixture.cache.download(NAME, {
    signal: controller.signal,
    onProgress: ({ downloaded }) => {
      if (downloaded >= bytes) controller.abort(new HostError('ABORTED', 'enough'));
    },
  });
  await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
  await fixture.cache.close();
  const status = await fixture.cache.status(NAME);
  if (status === undefined) throw new Error('There is no download');
  return status;
}

describe(`a download (content of seed ${SEED})`, () => {
  it('produces the exact file and leaves nothing else', async () => {
    fixture = await CacheFixture.open(CONTENT);
    const heard: DownloadStatus[] = [];
    const { model, alreadyDownloaded } = await fixture.cache.download(NAME, {
      onProgress: (status) => heard.push(status),
    });
    expect({ alreadyDownloaded, size: model.size }).toEqual({ alreadyDownloaded: false, size: CONTENT.length });
    expect(await modelOnDisk()).toEqual(CONTENT);
    expect(await partials()).toEqual([]);
    expect(heard.at(-1)).toMatchObject({ status: 'completed', downloaded: CONTENT.length, total: CONTENT.length });
    expect(await fixture.cache.statuses()).toEqual([]);
    expect((await stat(join(fixture.home, 'models'))).mode & 0o077).toBe(0);
  });

  it('of a model on the disk returns it without a request', async () => {
    fixture = await CacheFixture.open(CONTENT);
    await fixture.cache.download(NAME);
    const { length } = fixture.hub.requests;
    await fixture.reopen();
    expect(await fixture.cache.download(NAME)).toMatchObject({ alreadyDownloaded: true });
    expect(fixture.hub.requests).toHaveLength(length);
  });

  it.each([0, 1, CHUNK - 1, CHUNK, CHUNK + 1])('produces a file of %d bytes', async (length) => {
    fixture = await CacheFixture.open(CONTENT.subarray(0, length));
    await fixture.cache.download(NAME);
    expect(await modelOnDisk()).toEqual(CONTENT.subarray(0, length));
  });

  it('stays below its speed limit, and can be stopped while it waits', async () => {
    fixture = await CacheFixture.open(CONTENT, {
      hub: { repos: { [REPO]: { files: { [FILE]: CONTENT, 'other.gguf': CONTENT } } } },
    });
    const waiting = fixture.cache.download(NAME, { maxBytesPerSecond: 1_024 }).catch((error: unknown) => error);
    // Another download of the same host has no limit: it is as large, and starts later.
    const other = readModelName({ modelPath: REPO, modelFile: 'other.gguf' });
    await fixture.cache.download(other);
    expect(await fixture.cache.status(NAME)).toMatchObject({ status: 'downloading' });
    await fixture.cache.pause(NAME);
    expect(await waiting).toMatchObject({ code: 'DOWNLOAD_PAUSED' });
    await fixture.cache.download(NAME);
    expect(await modelOnDisk()).toEqual(CONTENT);
  });

  it('is shared by all callers, reports progress to each, and continues when one of them leaves', async () => {
    fixture = await CacheFixture.open(CONTENT, { hub: { bytesPerSecond: 400_000 } });
    const controller = new AbortController();
    const left = fixture.cache.download(NAME, { signal: controller.signal });
    const heard: number[] = [];
    const stays = fixture.cache.download(NAME, {
      onProgress: ({ downloaded }) => {
        heard.push(downloaded);
        controller.abort(new Error('gone'));
      },
    });
    await expect(left).rejects.toThrow('gone');
    expect(await stays).toMatchObject({ model: { size: CONTENT.length } });
    expect(heard.length).toBeGreaterThan(1);
    expect(fixture.requestedBytes()).toBe(CONTENT.length);
  });

  it('can be paused, survives a restart, and resumes from its chunks', async () => {
    fixture = await CacheFixture.open(CONTENT, { hub: { bytesPerSecond: 200_000 } });
    const asker = fixture.cache.download(NAME);
    while (((await fixture.cache.status(NAME))?.downloaded ?? 0) < 4 * CHUNK)
      await new Promise((resolve) => setImmediate(resolve));
    const paused = await fixture.cache.pause(NAME);
    await expect(asker).rejects.toMatchObject({ code: 'DOWNLOAD_PAUSED' });
    expect(paused.status).toBe('paused');
    await fixture.reopen();
    const [remembered] = await fixture.cache.statuses();
    expect(remembered).toMatchObject({ status: 'paused', total: CONTENT.length });
    expect(remembered?.downloaded).toBeGreaterThan(0);
    const before = fixture.hub.requests.length;
    expect(await fixture.cache.resume(NAME)).toMatchObject({ status: 'downloading' });
    await fixture.cache.download(NAME);
    expect(await modelOnDisk()).toEqual(CONTENT);
    expect(fixture.requestedBytes(before)).toBe(CONTENT.length - (remembered?.downloaded ?? 0));
  });

  describe('with incomplete chunks only', () => {
    beforeEach(async () => {
      fixture = await CacheFixture.open(CONTENT, {
        hub: { bytesPerSecond: 100_000 },
        limits: { chunkBytes: 10 * CHUNK + 100 },
      });
    });

    /** Pauses after the first progress. Returns the last reported size and the size after the pause. */
    async function pauseAtOnce(): Promise<{ told: number; left: number }> {
      let told = 0;
      const pauses: Promise<unknown>[] = [];
      const asker = fixture.cache.download(NAME, {
        onProgress: ({ downloaded }) => {
          told = downloaded;
          if (downloaded > 2 * CHUNK) pauses.push(fixture.cache.pause(NAME));
        },
      });
      await expect(asker).rejects.toMatchObject({ code: 'DOWNLOAD_PAUSED' });
      await Promise.all(pauses);
      await fixture.reopen();
      const [{ downloaded: left = 0 } = {}] = await fixture.cache.statuses();
      return { told, left };
    }

    it('loses nothing in a pause and a restart', async () => {
      const { told, left } = await pauseAtOnce();
      expect(left).toBeGreaterThanOrEqual(told);
      const before = fixture.hub.requests.length;
      const heard: number[] = [];
      await fixture.cache.download(NAME, { onProgress: ({ downloaded }) => heard.push(downloaded) });
      expect(await modelOnDisk()).toEqual(CONTENT);
      expect(fixture.requestedBytes(before)).toBe(CONTENT.length - left);
      expect(Math.min(...heard)).toBeGreaterThanOrEqual(left);
    });

    it('downloads chunks again that have changed on the disk', async () => {
      const { left } = await pauseAtOnce();
      const [partial = ''] = await partials();
      const file = await open(join(fixture.home, 'partial', partial), 'r+');
      await file.write(Buffer.from([(CONTENT[0] ?? 0) ^ 1]), 0, 1, 0);
      await file.close();
      const before = fixture.hub.requests.length;
      await fixture.cache.download(NAME);
      expect(await modelOnDisk()).toEqual(CONTENT);
      expect(fixture.requestedBytes(before)).toBeGreaterThan(CONTENT.length - left);
    });

    it('starts over if the hub sends only whole files', async () => {
      await pauseAtOnce();
      fixture.hub.fault({ kind: 'ignoreRange' });
      const heard: number[] = [];
      await fixture.cache.download(NAME, { onProgress: ({ downloaded }) => heard.push(downloaded) });
      expect(await modelOnDisk()).toEqual(CONTENT);
      expect(heard.at(-1)).toBe(CONTENT.length);
      expect(Math.max(...heard)).toBe(CONTENT.length);
    });
  });

  it('is removed completely when cancelled, and rejects for its callers', async () => {
    fixture = await CacheFixture.open(CONTENT, { hub: { bytesPerSecond: 200_000 } });
    const asker = fixture.cache.download(NAME);
    while ((await partials()).length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await fixture.cache.cancel(NAME)).toMatchObject({ status: 'cancelled', downloaded: 0 });
    await expect(asker).rejects.toMatchObject({ code: 'DOWNLOAD_CANCELLED' });
    expect(await partials()).toEqual([]);
    expect(await fixture.cache.statuses()).toEqual([]);
    await expect(fixture.cache.resume(NAME)).rejects.toMatchObject({ code: 'DOWNLOAD_NOT_FOUND' });
    await fixture.cache.download(NAME);
    expect(await modelOnDisk()).toEqual(CONTENT);
  });

  it('can be paused before the hub responds, and resumed', async () => {
    fixture = await CacheFixture.open(CONTENT);
    fixture.hub.fault({ kind: 'status', status: 503, headers: { 'retry-after': '30' } });
    const asker = fixture.cache.download(NAME);
    while (fixture.hub.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await fixture.cache.pause(NAME)).toMatchObject({ status: 'paused' });
    await expect(asker).rejects.toMatchObject({ code: 'DOWNLOAD_PAUSED' });
    expect(await fixture.cache.status(NAME)).toMatchObject({ status: 'paused', downloaded: 0 });
    fixture.hub.clearFaults();
    expect(await fixture.cache.resume(NAME)).toMatchObject({ status: 'downloading' });
    await fixture.cache.download(NAME);
    expect(await modelOnDisk()).toEqual(CONTENT);
  });

  it('leaves nothing if it is resumed and cancelled before the hub responds', async () => {
    fixture = await CacheFixture.open(CONTENT, { hub: { bytesPerSecond: 400_000 } });
    await downloadAbout(3 * CHUNK);
    await fixture.reopen();
    fixture.hub.fault({ kind: 'status', status: 503, headers: { 'retry-after': '30' } });
    const resumed = async () => {
      const before = fixture.hub.requests.length;
      await fixture.cache.resume(NAME);
      while (fixture.hub.requests.length === before) await new Promise((resolve) => setImmediate(resolve));
    };
    await resumed();
    await fixture.cache.pause(NAME);
    expect(await fixture.cache.status(NAME)).toMatchObject({ status: 'paused', total: CONTENT.length });
    await resumed();
    expect(await fixture.cache.cancel(NAME)).toMatchObject({ status: 'cancelled', downloaded: 0 });
    expect(await partials()).toEqual([]);
    expect(await fixture.cache.statuses()).toEqual([]);
  });

  it('is not recorded if it fails before it starts', async () => {
    fixture = await CacheFixture.open(CONTENT);
    const mistyped = { ...NAME, file: 'modle.gguf', id: `${REPO}/modle.gguf` };
    await expect(fixture.cache.download(mistyped)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    await fixture.reopen();
    expect(await fixture.cache.statuses()).toEqual([]);
    await expect(fixture.cache.resume(mistyped)).rejects.toMatchObject({ code: 'DOWNLOAD_NOT_FOUND' });
  });

  it('can be cancelled while paused', async () => {
    fixture = await CacheFixture.open(CONTENT, { hub: { bytesPerSecond: 400_000 } });
    await downloadAbout(3 * CHUNK);
    await fixture.reopen();
    expect(await fixture.cache.cancel(NAME)).toMatchObject({ status: 'cancelled' });
    expect(await partials()).toEqual([]);
    expect(await fixture.cache.status(NAME)).toMatchObject({ status: 'cancelled', downloaded: 0 });
  });

  it('leaves no part of a split model when cancelled', async () => {
    const files = {
      'two-00001-of-00002.gguf': seededBytes(CHUNK, 1),
      'two-00002-of-00002.gguf': seededBytes(20 * CHUNK, 2),
    };
    fixture = await CacheFixture.open(CONTENT, { hub: { repos: { [REPO]: { files } }, bytesPerSecond: 200_000 } });
    const name = { ...NAME, file: 'two-00001-of-00002.gguf', id: `${REPO}/two-00001-of-00002.gguf` };
    const isThere = async () =>
      (await readdir(join(fixture.home, 'models', ...REPO.split('/'))).catch(() => [])).length > 0;
    for (const restart of [false, true]) {
      const asker = fixture.cache.download(name);
      asker.catch(() => {});
      while (!(await isThere())) await new Promise((resolve) => setImmediate(resolve));
      if (restart) await fixture.reopen();
      await fixture.cache.cancel(name);
      await expect(asker).rejects.toBeInstanceOf(HostError);
      expect(await isThere()).toBe(false);
      expect(await partials()).toEqual([]);
    }
  });

  it('downloads every part of a split model, which is listed when all parts exist', async () => {
    const files = {
      'big-00001-of-00003.gguf': seededBytes(5 * CHUNK, 1),
      'big-00002-of-00003.gguf': seededBytes(3 * CHUNK + 1, 2),
      'big-00003-of-00003.gguf': seededBytes(10, 3),
    };
    fixture = await CacheFixture.open(CONTENT, { hub: { repos: { [REPO]: { files } } } });
    const name = { ...NAME, file: 'big-00001-of-00003.gguf', id: `${REPO}/big-00001-of-00003.gguf` };
    const { model } = await fixture.cache.download(name);
    expect(model.files).toHaveLength(3);
    expect(await Promise.all(model.files.map((file) => readFile(file)))).toEqual(Object.values(files));
    expect((await fixture.cache.list()).map(({ name: { id }, size }) => ({ id, size }))).toEqual([
      { id: name.id, size: model.size },
    ]);
    await unlink(model.files[1] ?? '');
    expect(await fixture.cache.find(name)).toBeUndefined();
    expect(await fixture.cache.list()).toEqual([]);
  });
});

describe('files changed while the host was not running', () => {
  async function interrupted(): Promise<string> {
    fixture = await CacheFixture.open(CONTENT, { hub: { bytesPerSecond: 400_000 } });
    await downloadAbout(8 * CHUNK);
    await fixture.closeCache();
    return join(fixture.home, 'partial', (await partials())[0] ?? '');
  }

  it('are detected by chunk, and only changed chunks are downloaded again', async () => {
    const partial = await interrupted();
    const bytes = await readFile(partial);
    bytes[5] = (bytes[5] ?? 0) ^ 1;
    await writeFile(partial, bytes);
    await fixture.reopen();
    const { downloaded = 0 } = (await fixture.cache.status(NAME)) ?? {};
    const before = fixture.hub.requests.length;
    await fixture.cache.download(NAME);
    expect(await modelOnDisk()).toEqual(CONTENT);
    expect(fixture.requestedBytes(before)).toBe(CONTENT.length - downloaded + CHUNK);
  });

  it.each(['cut short', 'grown'])('a partial file that was %s is fetched only where needed', async (how) => {
    const partial = await interrupted();
    await truncate(partial, how === 'grown' ? CONTENT.length * 2 : CHUNK + 5);
    await fixture.reopen();
    await fixture.cache.download(NAME);
    expect(await modelOnDisk()).toEqual(CONTENT);
  });

  it('require a new download if a partial file or the index is lost', async () => {
    await unlink(await interrupted());
    await fixture.reopen();
    await fixture.cache.download(NAME);
    expect(await modelOnDisk()).toEqual(CONTENT);
    await fixture.closeCache();
    for (const suffix of ['', '-wal', '-shm'])
      await unlink(`${fixture.config.paths.database}${suffix}`).catch(() => {});
    await fixture.reopen();
    expect(await fixture.cache.list()).toHaveLength(1);
    expect(await fixture.cache.download(NAME)).toMatchObject({ alreadyDownloaded: true });
  });

  it('include a damaged index, which is replaced without losing models', async () => {
    fixture = await CacheFixture.open(CONTENT);
    await fixture.cache.download(NAME);
    await fixture.closeCache();
    await writeFile(fixture.config.paths.database, seededBytes(50_000, 5));
    await fixture.reopen();
    expect(await fixture.cache.list()).toHaveLength(1);
    expect((await readdir(fixture.home)).some((file) => file.includes('.corrupt-'))).toBe(true);
  });

  it('include a file on the hub, which restarts the download', async () => {
    await interrupted();
    const other = seededBytes(9 * CHUNK, 11);
    const { startHub } = await import('../../support/hub/hub.ts');
    const hub = await startHub({ repos: { [REPO]: { files: { [FILE]: other } } } });
    try {
      Object.assign(fixture.config, { hubEndpoint: hub.url });
      await fixture.reopen();
      await fixture.cache.download(NAME);
      expect(await modelOnDisk()).toEqual(other);
    } finally {
      await hub.close();
    }
  });
});
