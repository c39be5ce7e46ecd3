import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess } from '../../support/host/host-process.ts';
import { payloadOf } from '../../support/host/payload-of.ts';
import { startHub, type TestHub } from '../../support/hub/hub.ts';

const REPO = 'tabagent/markov-gguf';
const FILE = 'markov-f16.gguf';
const MODEL = { modelPath: REPO, modelFile: FILE };
const SETTINGS = { n_gpu_layers: 0, n_ctx: 64, n_threads: 1 };

describe('two hosts with one cache', () => {
  let fixture: HostFixture;
  let hub: TestHub;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    hub = fixture.use(
      await startHub({ repos: { [REPO]: { files: { [FILE]: markovModel(), 'other.gguf': markovModel() } } } }),
    );
  });
  afterEach(() => fixture.close());

  const start = () => fixture.host({ env: { HF_ENDPOINT: hub.url } });

  async function damage(): Promise<void> {
    const handle = await open(join(fixture.home, 'models', ...REPO.split('/'), FILE), 'r+');
    await handle.write(Buffer.from('damaged'), 0, 7, markovModel().length - 7);
    await handle.close();
  }

  it('do not delete a model that the other has loaded', async () => {
    const [one, other] = [start(), start()];
    payloadOf('LOAD_MODEL', await one.request('LOAD_MODEL', { ...MODEL, settings: SETTINGS }));
    expect(await other.request('DELETE_MODEL', MODEL)).toMatchObject({ status: 'error', code: 'MODEL_IN_USE' });
    expect(await other.request('DELETE_MODEL', { modelPath: REPO })).toMatchObject({ code: 'MODEL_IN_USE' });
    payloadOf('UNLOAD_MODEL', await one.request('UNLOAD_MODEL', MODEL));
    payloadOf('DELETE_MODEL', await other.request('DELETE_MODEL', MODEL));
  });

  it('release the models of a killed host', async () => {
    const [one, other] = [start(), start()];
    payloadOf('LOAD_MODEL', await one.request('LOAD_MODEL', { ...MODEL, settings: SETTINGS }));
    await one.kill();
    payloadOf('DELETE_MODEL', await other.request('DELETE_MODEL', MODEL));
  });

  it('release the model of a failed load', async () => {
    const [one, other] = [start(), start()];
    payloadOf('DOWNLOAD_MODEL', await one.request('DOWNLOAD_MODEL', MODEL));
    const handle = await open(join(fixture.home, 'models', ...REPO.split('/'), FILE), 'r+');
    await handle.write(Buffer.alloc(64), 0, 64, 0);
    await handle.close();
    expect(await one.request('LOAD_MODEL', MODEL)).toMatchObject({ code: 'MODEL_REJECTED' });
    payloadOf('DELETE_MODEL', await other.request('DELETE_MODEL', MODEL));
  });

  it("see each other's models in use, and do not prune models that the other pinned", async () => {
    const [one, other] = [start(), start()];
    payloadOf('LOAD_MODEL', await one.request('LOAD_MODEL', { ...MODEL, settings: SETTINGS }));
    const stats = payloadOf('GET_CACHE_STATS', await other.request('GET_CACHE_STATS'));
    const size = markovModel().length;
    expect(stats).toMatchObject({ modelCount: 1, modelBytes: size, partialBytes: 0, limitBytes: null });
    expect(stats.models).toMatchObject([{ repoId: REPO, fileName: FILE, size, pinned: false, busy: true }]);
    expect(stats.models[0]?.lastUsed).toBeGreaterThan(Date.now() / 1000 - 600);
    const all = { maxBytes: 0, dryRun: false };
    expect(payloadOf('PRUNE_CACHE', await other.request('PRUNE_CACHE', all))).toMatchObject({ removedCount: 0 });
    payloadOf('UNLOAD_MODEL', await one.request('UNLOAD_MODEL', MODEL));
    payloadOf('PIN_MODEL', await one.request('PIN_MODEL', MODEL));
    expect(payloadOf('PRUNE_CACHE', await other.request('PRUNE_CACHE', all))).toMatchObject({ removedCount: 0 });
    payloadOf('UNPIN_MODEL', await one.request('UNPIN_MODEL', MODEL));
    const would = payloadOf('PRUNE_CACHE', await other.request('PRUNE_CACHE', { maxBytes: 0 }));
    expect(would).toMatchObject({ dryRun: true, removedCount: 1, freed: size });
    expect(payloadOf('PRUNE_CACHE', await other.request('PRUNE_CACHE', all))).toMatchObject({ removedCount: 1 });
    expect(payloadOf('GET_CACHE_STATS', await one.request('GET_CACHE_STATS'))).toMatchObject({ modelCount: 0 });
  });

  // If a host lost its lock by checking it, there would be a second writer, or its partial file would be deleted.
  it('do not confuse the status of their own download with one that they follow', async () => {
    // Slow enough to be running during all of the following requests.
    const repos = { [REPO]: { files: { [FILE]: markovModel() } } };
    const slow = fixture.use(await startHub({ repos, bytesPerSecond: markovModel().length / 30 }));
    const [one, other] = [0, 1].map(() => fixture.host({ env: { HF_ENDPOINT: slow.url } })) as [
      HostProcess,
      HostProcess,
    ];
    const underWay = one.next(({ type, payload }) => type === 'MODEL_DOWNLOAD_PROGRESS' && payload.loaded > 0);
    const download = one.request('DOWNLOAD_MODEL', MODEL);
    await underWay;
    for (const question of ['GET_ACTIVE_DOWNLOADS', 'GET_CACHE_STATS', 'GET_ACTIVE_DOWNLOADS']) {
      expect(await one.request(question)).toMatchObject({ status: 'success' });
    }
    const asked = slow.requests.length;
    expect(await other.request('GET_DOWNLOAD_STATUS', MODEL)).toMatchObject({ payload: { status: 'downloading' } });
    const prune = { dryRun: false, partialDays: 0, orphans: true };
    expect(await other.request('PRUNE_CACHE', prune)).toMatchObject({ payload: { removedCount: 0 } });
    const following = other.next(({ type }) => type === 'MODEL_DOWNLOAD_PROGRESS');
    const joined = other.request('DOWNLOAD_MODEL', MODEL);
    await following;
    expect(slow.requests.slice(asked).filter(({ range }) => range?.startsWith('bytes=0-'))).toEqual([]);
    expect(await other.request('CANCEL_DOWNLOAD', MODEL)).toMatchObject({ payload: { status: 'cancelled' } });
    expect([await download, await joined]).toMatchObject([
      { code: 'DOWNLOAD_CANCELLED' },
      { code: 'DOWNLOAD_CANCELLED' },
    ]);
  });

  it('can delete an unused model while the other checks which models are in use', async () => {
    const [one, other] = [start(), start()];
    let isDone = false;
    const asking = (async () => {
      while (!isDone) expect(await other.request('GET_CACHE_STATS')).toMatchObject({ status: 'success' });
    })();
    for (let round = 0; round < 20; round += 1) {
      payloadOf('DOWNLOAD_MODEL', await one.request('DOWNLOAD_MODEL', MODEL));
      payloadOf('VERIFY_MODEL', await one.request('VERIFY_MODEL', MODEL));
      payloadOf('DELETE_MODEL', await one.request('DELETE_MODEL', MODEL));
    }
    isDone = true;
    await asking;
  });

  it('free space for a download within the configured limit', async () => {
    const host = fixture.host({
      env: { HF_ENDPOINT: hub.url, TABAGENT_CACHE_LIMIT: String(Math.floor(markovModel().length * 1.5)) },
    });
    payloadOf('DOWNLOAD_MODEL', await host.request('DOWNLOAD_MODEL', MODEL));
    payloadOf('DOWNLOAD_MODEL', await host.request('DOWNLOAD_MODEL', { modelPath: REPO, modelFile: 'other.gguf' }));
    const { models, limitBytes } = payloadOf('GET_CACHE_STATS', await host.request('GET_CACHE_STATS'));
    expect(models.map(({ fileName }) => fileName)).toEqual(['other.gguf']);
    expect(limitBytes).toBe(Math.floor(markovModel().length * 1.5));
  });

  it('do not repair a damaged model while the other uses it, and repair it afterwards', async () => {
    const [one, other] = [start(), start()];
    payloadOf('LOAD_MODEL', await one.request('LOAD_MODEL', { ...MODEL, settings: SETTINGS }));
    await damage();
    const checked = payloadOf('VERIFY_MODEL', await other.request('VERIFY_MODEL'));
    expect(checked).toMatchObject({ checked: 1, bad: 1, models: [{ state: 'bad', files: [{ badChunkCount: 1 }] }] });
    expect(await other.request('REPAIR_MODEL', MODEL)).toMatchObject({ code: 'MODEL_IN_USE' });
    payloadOf('UNLOAD_MODEL', await one.request('UNLOAD_MODEL', MODEL));
    const mended = payloadOf('REPAIR_MODEL', await other.request('REPAIR_MODEL', MODEL));
    expect(mended).toMatchObject({ bad: 0, models: [{ repaired: true, fetched: markovModel().length }] });
    expect(other.received.filter(({ type }) => type === 'MODEL_VERIFY_PROGRESS').at(-1)?.payload).toMatchObject({
      repoId: REPO,
      fileName: FILE,
      progress: 100,
      model: 1,
      models: 1,
    });
    payloadOf('LOAD_MODEL', await one.request('LOAD_MODEL', { ...MODEL, settings: SETTINGS }));
    expect(payloadOf('CANCEL_VERIFY', await one.request('CANCEL_VERIFY'))).toEqual({ cancelled: 0 });
  });
});
