import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { open, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { VerificationProgress, VerifiedModel } from '../../../host/cache/cache-verifier.ts';
import { HostError } from '../../../host/common/errors.ts';
import { readModelName } from '../../../host/protocol/model-name.ts';
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
const SEED = 71;
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

/** Changes one byte in each of these chunks, like a failing disk. */
async function damage(chunks: readonly number[], file = FILE): Promise<void> {
  const handle = await open(modelPath(file), 'r+');
  for (const chunk of chunks) {
    const at = chunk * CHUNK + 3;
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, at);
    await handle.write(Buffer.from([(byte[0] ?? 0) ^ 0x55]), 0, 1, at);
  }
  await handle.close();
}

function quietly(
  onProgress: (progress: VerificationProgress) => void = () => {},
  signal = new AbortController().signal,
) {
  return { signal, onProgress };
}

async function verify(name = NAME): Promise<VerifiedModel | undefined> {
  return (await fixture.cache.verifier.verify(name, quietly()))[0];
}

async function repair(name = NAME): Promise<VerifiedModel | undefined> {
  return (await fixture.cache.verifier.repair(name, quietly()))[0];
}

/** Removes the database only. */
async function loseIndex(): Promise<void> {
  await fixture.closeCache();
  for (const suffix of ['', '-wal', '-shm']) await rm(`${fixture.config.paths.database}${suffix}`, { force: true });
  await fixture.reopen();
}

describe(`verifying a model (content of seed ${SEED})`, () => {
  it('confirms it by its recorded checksum, without the hub, and reports progress', async () => {
    fixture = await CacheFixture.open(CONTENT);
    await fixture.cache.download(NAME);
    const requests = fixture.hub.requests.length;
    const seen: VerificationProgress[] = [];
    const [model] = await fixture.cache.verifier.verify(
      NAME,
      quietly((progress) => seen.push(progress)),
    );
    expect(model).toMatchObject({ state: 'good', files: [{ basis: 'index', size: CONTENT.length, badChunks: [] }] });
    expect(fixture.hub.requests).toHaveLength(requests);
    expect(seen.map(({ done }) => done)).toEqual([...seen.map(({ done }) => done)].sort((a, b) => a - b));
    expect(seen.at(-1)).toMatchObject({ done: CONTENT.length, total: CONTENT.length, phase: 'verifying' });
  });

  it('lists each damaged chunk with index, offset and length, and does not change the file', async () => {
    fixture = await CacheFixture.open(CONTENT);
    await fixture.cache.download(NAME);
    await damage([2, 7, 12]);
    const before = await readFile(modelPath());
    expect(await verify()).toMatchObject({
      state: 'bad',
      files: [
        {
          badChunks: [
            { index: 2, offset: 2 * CHUNK, length: CHUNK },
            { index: 7, offset: 7 * CHUNK, length: CHUNK },
            { index: 12, offset: 12 * CHUNK, length: 5 },
          ],
        },
      ],
    });
    expect(await readFile(modelPath())).toEqual(before);
  });

  it('detects truncated and extended files', async () => {
    fixture = await CacheFixture.open(CONTENT);
    await fixture.cache.download(NAME);
    await truncate(modelPath(), 10 * CHUNK + 1);
    const cut = await verify();
    expect(cut).toMatchObject({ state: 'bad', files: [{ size: 10 * CHUNK + 1, expectedSize: CONTENT.length }] });
    expect(cut?.files[0]?.badChunks.map(({ index }) => index)).toEqual([10, 11, 12]);
    await truncate(modelPath(), 30 * CHUNK);
    expect(await verify()).toMatchObject({ state: 'bad', files: [{ size: 30 * CHUNK }] });
  });

  it('verifies all parts of a model, and reports which one is missing', async () => {
    fixture = await CacheFixture.open(CONTENT, { hub: { repos: { [REPO]: { files: SHARDS } } } });
    await fixture.cache.download(SHARDED);
    await damage([4], 'big-00002-of-00003.gguf');
    await rm(modelPath('big-00003-of-00003.gguf'));
    const model = await verify(SHARDED);
    expect(model?.state).toBe('missing');
    expect(model?.files.map(({ state }) => state)).toEqual(['good', 'bad', 'missing']);
  });

  it("uses the hub's checksum if the index was lost, and lists damaged chunks afterwards", async () => {
    fixture = await CacheFixture.open(CONTENT);
    await fixture.cache.download(NAME);
    await loseIndex();
    expect(await verify()).toMatchObject({ state: 'good', files: [{ basis: 'hub' }] });
    await damage([5]);
    expect(await verify()).toMatchObject({ state: 'bad', files: [{ basis: 'index', badChunks: [{ index: 5 }] }] });
  });

  it('records the checksum without reporting the file as good if neither index nor hub is available', async () => {
    fixture = await CacheFixture.open(CONTENT, { limits: { maxAttempts: 1 } });
    await fixture.cache.download(NAME);
    await loseIndex();
    fixture.hub.fault({ kind: 'status', status: 503 });
    expect(await verify()).toMatchObject({ state: 'recorded', files: [{ basis: 'nothing' }] });
    expect(await verify()).toMatchObject({ state: 'unchanged', files: [{ basis: 'firstCheck' }] });
    await damage([1]);
    expect(await verify()).toMatchObject({ state: 'bad', files: [{ basis: 'firstCheck', badChunks: [{ index: 1 }] }] });
    fixture.hub.clearFaults();
    // The hub's checksum takes precedence over the first check's.
    expect(await verify()).toMatchObject({ state: 'bad', files: [{ basis: 'hub' }] });
    expect(await repair()).toMatchObject({ fetched: CONTENT.length });
    expect(await readFile(modelPath())).toEqual(CONTENT);
  });

  it('the whole cache reports every model', async () => {
    fixture = await CacheFixture.open(CONTENT, {
      hub: { repos: { [REPO]: { files: { ...SHARDS, [FILE]: CONTENT } }, 'b/c': { files: { 'd.gguf': CONTENT } } } },
    });
    for (const name of [NAME, SHARDED, readModelName({ modelId: 'b/c/d.gguf' })]) await fixture.cache.download(name);
    await damage([0]);
    const models = await fixture.cache.verifier.verify(undefined, quietly());
    expect(models.map(({ name, state }) => [name.id, state])).toEqual([
      ['b/c/d.gguf', 'good'],
      [SHARDED.id, 'good'],
      [NAME.id, 'bad'],
    ]);
  });

  it('stops when the caller aborts', async () => {
    fixture = await CacheFixture.open(CONTENT);
    await fixture.cache.download(NAME);
    const controller = new AbortController();
    const gone = new HostError('ABORTED', 'gone');
    const left = fixture.cache.verifier.verify(
      undefined,
      quietly(() => controller.abort(gone), controller.signal),
    );
    await expect(left).rejects.toBe(gone);
  });

  it('a missing model is rejected', async () => {
    fixture = await CacheFixture.open(CONTENT);
    await expect(verify()).rejects.toMatchObject({ code: 'MODEL_NOT_DOWNLOADED' });
  });
});

describe('repairing a model', () => {
  it('downloads only the damaged chunks', async () => {
    fixture = await CacheFixture.open(CONTENT);
    await fixture.cache.download(NAME);
    await damage([2, 7, 12]);
    const from = fixture.hub.requests.length;
    expect(await repair()).toMatchObject({ fetched: 2 * CHUNK + 5 });
    expect(fixture.requestedBytes(from)).toBe(2 * CHUNK + 5);
    expect(await readFile(modelPath())).toEqual(CONTENT);
    expect(await verify()).toMatchObject({ state: 'good' });
    expect(await fixture.cache.statuses()).toEqual([]);
  });

  it('truncates an extended file, completes a truncated one, and downloads a missing part', async () => {
    fixture = await CacheFixture.open(CONTENT, { hub: { repos: { [REPO]: { files: SHARDS } } } });
    await fixture.cache.download(SHARDED);
    await truncate(modelPath('big-00001-of-00003.gguf'), 5 * CHUNK);
    await truncate(modelPath('big-00002-of-00003.gguf'), 11 * CHUNK);
    await rm(modelPath('big-00003-of-00003.gguf'));
    expect(await repair(SHARDED)).toMatchObject({ fetched: CHUNK + 10 });
    for (const [file, content] of Object.entries(SHARDS)) expect(await readFile(modelPath(file))).toEqual(content);
  });

  it('does nothing if the model is intact', async () => {
    fixture = await CacheFixture.open(CONTENT);
    await fixture.cache.download(NAME);
    const requests = fixture.hub.requests.length;
    const model = await repair();
    expect(model).toMatchObject({ state: 'good' });
    expect(model?.fetched).toBeUndefined();
    expect(fixture.hub.requests).toHaveLength(requests);
  });

  it('downloads from the original commit, and changes nothing if the hub has another file now', async () => {
    fixture = await CacheFixture.open(CONTENT);
    await fixture.cache.download(NAME);
    await damage([2]);
    fixture.hub.fault({ kind: 'changedEtag', match: ({ method }) => method === 'HEAD' });
    await expect(repair()).rejects.toMatchObject({ code: 'REMOTE_CHANGED' });
    expect(existsSync(modelPath())).toBe(true);
    fixture.hub.clearFaults();
    const from = fixture.hub.requests.length;
    await repair();
    const asked = fixture.hub.requests.slice(from).filter(({ server }) => server === 'hub');
    expect(asked.every(({ url }) => /\/resolve\/[0-9a-f]{40}\//.test(url))).toBe(true);
  });

  it('changes nothing if the hub is not available', async () => {
    fixture = await CacheFixture.open(CONTENT, { limits: { maxAttempts: 1 } });
    await fixture.cache.download(NAME);
    await damage([2]);
    fixture.hub.fault({ kind: 'status', status: 503 });
    await expect(repair()).rejects.toMatchObject({ code: 'HUB_ERROR' });
    expect(existsSync(modelPath())).toBe(true);
  });

  it("leaves no damaged file under the model's name if it is interrupted, and a download continues it", async () => {
    fixture = await CacheFixture.open(CONTENT, { limits: { maxAttempts: 1 } });
    await fixture.cache.download(NAME);
    await damage([2, 7]);
    fixture.hub.fault({ kind: 'cut', after: 0, match: ({ method }) => method === 'GET' });
    await expect(repair()).rejects.toMatchObject({ code: 'HUB_UNREACHABLE' });
    expect(existsSync(modelPath())).toBe(false);
    const left = await fixture.cache.status(NAME);
    expect(left?.status).toBe('paused');
    fixture.hub.clearFaults();
    const from = fixture.hub.requests.length;
    await fixture.cache.download(NAME);
    // No byte of the two damaged chunks was received: an interruption after some bytes would be retried without limit.
    expect(fixture.requestedBytes(from)).toBe(CONTENT.length - (left?.downloaded ?? 0));
    expect(fixture.requestedBytes(from)).toBe(2 * CHUNK);
    expect(await readFile(modelPath())).toEqual(CONTENT);
  });

  it('is rejected while any host uses the model', async () => {
    fixture = await CacheFixture.open(CONTENT);
    await fixture.cache.download(NAME);
    await damage([2]);
    const use = await fixture.cache.lease(NAME, new AbortController().signal);
    await expect(repair()).rejects.toMatchObject({ code: 'MODEL_IN_USE' });
    use.release();
    const other = await openCache(fixture.config);
    await other.cache.lease(NAME, new AbortController().signal);
    await expect(repair()).rejects.toMatchObject({ code: 'MODEL_IN_USE' });
    const [all] = await fixture.cache.verifier.repair(undefined, quietly());
    expect(all).toMatchObject({ error: { code: 'MODEL_IN_USE' } });
    await other.close();
    expect(await repair()).toMatchObject({ fetched: CHUNK });
  });
});

const CHILD = fileURLToPath(new URL('../../support/cache/repair-child.ts', import.meta.url));

/** Repairs in a process that is killed after this many progress reports; undefined lets it finish. */
async function repairKilledAfter(reports: number | undefined): Promise<boolean> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CHILD], {
    env: { PATH: process.env.PATH, TABAGENT_HOME: fixture.home, HF_ENDPOINT: fixture.hub.url, HOME: fixture.home },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let lines = 0;
  let done = false;
  for await (const line of createInterface({ input: child.stdout })) {
    done ||= line === 'done';
    lines += 1;
    if (lines === reports) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return done;
}

describe('a repair that is killed', () => {
  it('loses no model at any moment: another repair completes it', async () => {
    fixture = await CacheFixture.open(CONTENT, { hub: { bytesPerSecond: 400_000 } });
    await fixture.cache.download(NAME);
    const bad = [1, 4, 5, 9];
    let killed = 0;
    for (let moments = 1; ; moments += 4) {
      const isThere = existsSync(modelPath());
      if (isThere) await damage(bad);
      const done = await repairKilledAfter(moments);
      if (done) break;
      killed += 1;
      // Either the damaged file under its name or a partial file exists.
      const partials = await readdir(join(fixture.home, 'partial'));
      expect([existsSync(modelPath()), partials.length]).toEqual(existsSync(modelPath()) ? [true, 0] : [false, 1]);
      if (existsSync(modelPath())) await damage(bad);
    }
    expect(killed).toBeGreaterThan(2);
    expect(await readFile(modelPath())).toEqual(CONTENT);
    expect(await verify()).toMatchObject({ state: 'good' });
  });
});
