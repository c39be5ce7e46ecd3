import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runCommand } from '../../support/cli/run-command.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess } from '../../support/host/host-process.ts';
import { payloadOf } from '../../support/host/payload-of.ts';
import { startHub, type TestHub } from '../../support/hub/hub.ts';

const REPO = 'maker/model-GGUF';
const FILE = 'model-F16.gguf';
const ID = `${REPO}/${FILE}`;
const OLD = markovModel();
/** A newer version: the old one with more bytes after its last tensor. */
const NEW = Buffer.concat([OLD, Buffer.alloc(4096, 1)]);
/** When it was committed. */
const CHANGED = '2026-03-12T09:30:00.000Z';
const CHANGED_AT = Date.parse(CHANGED) / 1000;
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('a model whose file has changed on the hub', () => {
  let fixture: HostFixture;
  let host: HostProcess;
  let hub: TestHub;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    hub = fixture.use(await startHub({ repos: { [REPO]: { files: { [FILE]: OLD } } } }));
    const before = fixture.host({ env: { HF_ENDPOINT: hub.url } });
    payloadOf('DOWNLOAD_MODEL', await before.request('DOWNLOAD_MODEL', { modelPath: ID }));
    await before.close();
    const newer = fixture.use(await startHub({ repos: { [REPO]: { files: { [FILE]: NEW }, changed: CHANGED } } }));
    hub = newer;
    host = fixture.host({ env: { HF_ENDPOINT: newer.url } });
  });
  afterEach(() => fixture.close());

  const path = () => join(fixture.home, 'models', ...ID.split('/'));
  const listed = async () => payloadOf('GET_DOWNLOADED_MODELS', await host.request('GET_DOWNLOADED_MODELS')).models;

  it('is found by CHECK_UPDATES, marked in lists, and updated', async () => {
    expect((await listed())[0]).toMatchObject({ id: ID, size: OLD.length });
    expect((await listed())[0]?.newer).toBeUndefined();
    const { models } = payloadOf('CHECK_UPDATES', await host.request('CHECK_UPDATES'));
    expect(models).toEqual([
      {
        modelId: ID,
        state: 'newer',
        size: OLD.length,
        newSize: NEW.length,
        commit: expect.stringMatching(/^[0-9a-f]{40}$/),
        changedAt: CHANGED_AT,
      },
    ]);
    expect((await listed())[0]).toMatchObject({
      id: ID,
      size: OLD.length,
      newer: { size: NEW.length, changedAt: CHANGED_AT },
    });
    const files = payloadOf('LIST_REPO_FILES', await host.request('LIST_REPO_FILES', { repoId: REPO })).files;
    expect(files).toMatchObject([{ downloaded: true, size: NEW.length, downloadedSize: OLD.length }]);

    // Without `update`, the present file stays.
    expect(payloadOf('DOWNLOAD_MODEL', await host.request('DOWNLOAD_MODEL', { modelPath: ID })).size).toBe(OLD.length);
    const reply = await host.request('DOWNLOAD_MODEL', { modelPath: ID, update: true });
    expect(reply).toMatchObject({ message: 'Model updated', payload: { modelId: ID, size: NEW.length } });
    expect(sha256(readFileSync(path()))).toBe(sha256(NEW));
    expect(await listed()).toMatchObject([{ id: ID, size: NEW.length }]);
    expect((await listed())[0]?.newer).toBeUndefined();
    expect(readdirSync(join(fixture.home, 'models', 'maker'))).toEqual(['model-GGUF']);
    expect(readdirSync(join(fixture.home, 'partial'))).toEqual([]);

    const again = await host.request('DOWNLOAD_MODEL', { modelPath: ID, update: true });
    expect(again).toMatchObject({ message: 'Model already downloaded. It is up to date' });
    const verified = payloadOf('VERIFY_MODEL', await host.request('VERIFY_MODEL', { modelPath: ID }));
    expect(verified.models).toMatchObject([{ state: 'good' }]);
  });

  it('can be updated while it is loaded, and continues to answer', async () => {
    const settings = { n_ctx: 128, n_gpu_layers: 0 };
    payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { modelPath: ID, settings }));
    expect(await host.request('DOWNLOAD_MODEL', { modelPath: ID, update: true })).toMatchObject({
      message: 'Model updated',
    });
    const generate = { prompt: 'the', settings: { max_new_tokens: 4 } };
    expect(await host.request('GENERATE', generate)).toMatchObject({ status: 'success' });
    payloadOf('UNLOAD_MODEL', await host.request('UNLOAD_MODEL', { modelId: ID }));
    const loaded = payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { modelPath: ID, settings }));
    expect(loaded.fileSize).toBe(NEW.length);
  });

  it('is named by the download of its newer file, in lists and on the command line', async () => {
    hub.fault({ kind: 'stall', after: 100, match: ({ server, method }) => server === 'cdn' && method === 'GET' });
    const progress = host.next(({ type }) => type === 'MODEL_DOWNLOAD_PROGRESS');
    const reply = host.request('DOWNLOAD_MODEL', { modelPath: ID, update: true });
    const { modelId } = (await progress).payload;
    const active = payloadOf('GET_ACTIVE_DOWNLOADS', await host.request('GET_ACTIVE_DOWNLOADS')).downloads;
    expect(active).toMatchObject([{ modelId, updateOf: ID, status: 'downloading' }]);
    await host.request('PAUSE_DOWNLOAD', { modelId });
    expect(await reply).toMatchObject({ code: 'DOWNLOAD_PAUSED' });
    const { models } = payloadOf(
      'GET_DOWNLOADED_MODELS',
      await host.request('GET_DOWNLOADED_MODELS', { partial: true }),
    );
    expect(models.map(({ partial }) => partial?.updateOf)).toEqual([undefined, ID]);
    const { stdout } = await runCommand(['ls'], { home: fixture.home });
    expect(stdout).toMatch(new RegExp(`${ID}\\s.*update paused`));
    expect(stdout).not.toContain('@');
    const outdated = await runCommand(['ls', '--outdated'], { home: fixture.home, env: { HF_ENDPOINT: hub.url } });
    expect(outdated.stdout).toMatch(new RegExp(`${ID}\\s.*2026-03-12`));
    // Deleting the model deletes what there is of its newer file.
    payloadOf('DELETE_MODEL', await host.request('DELETE_MODEL', { modelPath: ID }));
    expect(payloadOf('GET_ACTIVE_DOWNLOADS', await host.request('GET_ACTIVE_DOWNLOADS')).downloads).toEqual([]);
    expect(readdirSync(join(fixture.home, 'partial'))).toEqual([]);
  });

  it('keeps its old file until the new one is verified', async () => {
    hub.fault({ kind: 'wrongBytes', at: 100 });
    expect(await host.request('DOWNLOAD_MODEL', { modelPath: ID, update: true })).toMatchObject({
      code: 'CHECKSUM_MISMATCH',
    });
    expect(sha256(readFileSync(path()))).toBe(sha256(OLD));
    hub.clearFaults();
    expect(await host.request('DOWNLOAD_MODEL', { modelPath: ID, update: true })).toMatchObject({
      message: 'Model updated',
    });
  });

  it('is reported as removed if the hub no longer has it; an unreachable hub is an error', async () => {
    hub.fault({ kind: 'status', status: 404, headers: { 'x-error-code': 'EntryNotFound' } });
    const { models } = payloadOf('CHECK_UPDATES', await host.request('CHECK_UPDATES', { modelPath: REPO }));
    expect(models).toMatchObject([{ modelId: ID, state: 'gone', newSize: null }]);
    hub.clearFaults();
    await hub.close();
    expect(await host.request('CHECK_UPDATES')).toMatchObject({ code: 'HUB_UNREACHABLE' });
    expect(existsSync(path())).toBe(true);
    expect(await host.request('CHECK_UPDATES', { modelPath: 'no/body' })).toMatchObject({
      code: 'MODEL_NOT_DOWNLOADED',
    });
  });
});
