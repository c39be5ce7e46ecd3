import { readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { put, putHubCache, putOllama, sha256 } from '../../support/external/programs.ts';
import { markovModel, markovSpec } from '../../support/gguf/markov-model.ts';
import { splitGguf } from '../../support/gguf/split-gguf.ts';
import { tinyGguf } from '../../support/gguf/tiny-gguf.ts';
import { string } from '../../support/gguf/write-gguf.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess } from '../../support/host/host-process.ts';
import { payloadOf } from '../../support/host/payload-of.ts';
import { startHub, type TestHub } from '../../support/hub/hub.ts';

const REPO = 'tabagent/markov-gguf';
const FILE = 'markov-f16.gguf';
const ID = `${REPO}/${FILE}`;
const MODEL = markovModel();
const SETTINGS = { n_gpu_layers: 0, n_ctx: 128, n_threads: 1 };

/** Returns the content with a changed byte at the end, as from a disk error. Header and size are the same. */
function changedAtEnd(content: Buffer): Buffer {
  return Buffer.concat([content.subarray(0, -1), Buffer.from([(content.at(-1) ?? 0) ^ 1])]);
}

describe('models of other programs', () => {
  let fixture: HostFixture;
  let hub: TestHub;
  let host: HostProcess;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    hub = fixture.use(await startHub({ repos: { [REPO]: { files: { [FILE]: MODEL } } } }));
    host = fixture.host({ env: { HF_ENDPOINT: hub.url } });
  });
  afterEach(() => fixture.close());

  const ollama = () => join(fixture.home, '.ollama/models');
  const lmStudio = () => join(fixture.home, '.lmstudio/models');
  const hubCache = () => join(fixture.home, '.cache/huggingface/hub');
  /** Returns the requests for file contents, without those for metadata. */
  const fetched = () => hub.requests.filter(({ server, method }) => server === 'cdn' && method === 'GET').length;
  const downloadedModels = async () =>
    payloadOf('GET_DOWNLOADED_MODELS', await host.request('GET_DOWNLOADED_MODELS')).models;

  it('are found, listed with their program, loaded in place, and not deleted', async () => {
    const blob = putOllama(ollama(), 'markov', 'f16', [{ content: MODEL }]);
    const before = statSync(blob);
    const scan = payloadOf('SCAN_LOCAL_MODELS', await host.request('SCAN_LOCAL_MODELS'));
    expect(scan).toMatchObject({
      models: [
        {
          id: 'local/ollama/markov/f16',
          name: 'markov:f16',
          source: 'ollama',
          kind: 'model',
          path: blob,
          size: MODEL.length,
          architecture: 'llama',
          quantization: 'F16',
          sha256: sha256(MODEL),
          verified: false,
        },
      ],
      folders: [{ source: 'ollama', folder: ollama() }],
      complete: true,
    });
    expect(await downloadedModels()).toEqual([
      expect.objectContaining({
        id: 'local/ollama/markov/f16',
        name: 'markov:f16',
        source: 'ollama',
        downloaded: true,
        default_quant: 'F16',
        size: MODEL.length,
        path: blob,
      }),
    ]);
    const { models } = payloadOf('GET_AVAILABLE_MODELS', await host.request('GET_AVAILABLE_MODELS'));
    const [entry] = models.filter(({ downloaded }) => downloaded);
    expect(entry).toMatchObject({ id: 'local/ollama/markov/f16', source: 'ollama' });

    const loaded = payloadOf(
      'LOAD_MODEL',
      await host.request('LOAD_MODEL', { modelPath: entry?.repo_id, modelFile: entry?.file_path, settings: SETTINGS }),
    );
    expect(loaded).toMatchObject({ modelPath: 'local/ollama/markov/f16', architecture: 'llama' });
    expect(payloadOf('UNLOAD_MODEL', await host.request('UNLOAD_MODEL', { modelId: entry?.id }))).toMatchObject({
      wasLoaded: true,
    });
    expect(payloadOf('SCAN_LOCAL_MODELS', await host.request('SCAN_LOCAL_MODELS')).models[0]?.verified).toBe(true);

    for (const named of [{ modelPath: entry?.id }, { modelPath: 'local/ollama' }]) {
      expect(await host.request('DELETE_MODEL', named)).toMatchObject({ status: 'error', code: 'NOT_OURS' });
    }
    expect(statSync(blob)).toMatchObject({ size: before.size, mtimeMs: before.mtimeMs, ino: before.ino });
    expect(readdirSync(join(fixture.home, 'models'))).toEqual([]);
    expect(hub.requests).toEqual([]);
  });

  it("are loaded from the hub's cache by the hub's ID without network access, and cannot be deleted", async () => {
    const path = putHubCache(hubCache(), { repo: REPO, file: FILE, content: MODEL });
    expect(await downloadedModels()).toEqual([expect.objectContaining({ id: ID, source: 'huggingface', path })]);
    const loaded = await host.request('LOAD_MODEL', { modelPath: ID, settings: SETTINGS });
    expect(payloadOf('LOAD_MODEL', loaded).modelPath).toBe(ID);
    expect(hub.requests).toEqual([]);
    for (const modelPath of [ID, REPO]) {
      expect(await host.request('DELETE_MODEL', { modelPath })).toMatchObject({
        code: 'NOT_OURS',
        details: { path, source: 'huggingface' },
      });
    }
    const split = await host.request('RECOMMEND_SPLIT', { modelPath: ID });
    expect(payloadOf('RECOMMEND_SPLIT', split).cpu_layers).toBe(2);
  });

  it('are rejected with a remedy if they differ from what their program claims', async () => {
    const damaged = changedAtEnd(MODEL);
    const blob = putOllama(ollama(), 'markov', 'f16', [{ content: MODEL }]);
    writeFileSync(blob, damaged);
    const local = { modelPath: 'local/ollama/markov/f16' };
    expect(await host.request('LOAD_MODEL', { ...local, settings: SETTINGS })).toMatchObject({
      code: 'CHECKSUM_MISMATCH',
      details: { path: blob, expected: sha256(MODEL), found: sha256(damaged) },
    });
    writeFileSync(blob, MODEL);
    utimesSync(blob, 1, 1);
    expect(await host.request('LOAD_MODEL', { ...local, settings: SETTINGS })).toMatchObject({ status: 'success' });
  });

  it('are downloaded from the hub instead if they are damaged', async () => {
    const damaged = changedAtEnd(MODEL);
    putHubCache(hubCache(), { repo: REPO, file: FILE, content: damaged, blob: sha256(MODEL) });
    expect(
      payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { modelPath: ID, settings: SETTINGS })),
    ).toMatchObject({ modelPath: ID });
    expect(await downloadedModels()).toEqual([expect.objectContaining({ id: ID, source: 'disk' })]);
  });

  it.each([
    ['the hub cache', () => putHubCache(hubCache(), { repo: REPO, file: FILE, content: MODEL }), 'huggingface'],
    ['Ollama, under another name', () => putOllama(ollama(), 'm', '1', [{ content: MODEL }]), 'ollama'],
    ['LM Studio, without a checksum', () => put(MODEL, lmStudio(), 'someone/else/copy.gguf'), 'lmstudio'],
  ])('are not downloaded again if %s has the same bytes', async (_who, hold, source) => {
    const path = hold();
    // Another host has already listed the models, and scans again for the next request.
    const other = fixture.host({ env: { HF_ENDPOINT: hub.url } });
    await other.request('GET_DOWNLOADED_MODELS');
    const reply = await host.request('DOWNLOAD_MODEL', { modelPath: ID });
    expect(payloadOf('DOWNLOAD_MODEL', reply)).toEqual({
      modelId: ID,
      repoId: REPO,
      fileName: FILE,
      size: MODEL.length,
      cached: true,
      source,
      path,
    });
    expect(reply.message).toContain(path);
    expect(fetched()).toBe(0);
    expect(await downloadedModels()).toEqual([expect.objectContaining({ id: ID, source, path })]);
    expect(
      payloadOf('GET_DOWNLOAD_STATUS', await host.request('GET_DOWNLOAD_STATUS', { modelPath: ID })),
    ).toMatchObject({
      status: 'completed',
      progress: 100,
    });

    // The other host also knows it, without another request to the hub.
    const asked = hub.requests.length;
    const listed = payloadOf('GET_DOWNLOADED_MODELS', await other.request('GET_DOWNLOADED_MODELS')).models;
    expect(listed).toEqual([expect.objectContaining({ id: ID, source, path })]);
    const loaded = await other.request('LOAD_MODEL', { modelPath: ID, settings: SETTINGS });
    expect(payloadOf('LOAD_MODEL', loaded).modelPath).toBe(ID);
    expect(hub.requests.length).toBe(asked);
    expect(await other.request('DELETE_MODEL', { modelPath: ID })).toMatchObject({ code: 'NOT_OURS' });
  });

  it('are loaded, and not downloaded again, if they are split', async () => {
    const parts = splitGguf('markov', markovSpec(), 3);
    const repo = 'tabagent/markov-split-gguf';
    const other = fixture.use(await startHub({ repos: { [repo]: { files: Object.fromEntries(parts) } } }));
    const first = 'markov-00001-of-00003.gguf';
    for (const [file, content] of parts) put(content, lmStudio(), 'maker/copy', file);
    const asker = fixture.host({ env: { HF_ENDPOINT: other.url } });
    const reply = payloadOf('DOWNLOAD_MODEL', await asker.request('DOWNLOAD_MODEL', { modelPath: `${repo}/${first}` }));
    expect(reply).toMatchObject({ source: 'lmstudio', path: join(lmStudio(), 'maker/copy', first) });
    expect(other.requests.filter(({ server }) => server === 'cdn')).toEqual([]);
    const byName = await asker.request('LOAD_MODEL', { modelPath: `${repo}/${first}`, settings: SETTINGS });
    expect(byName).toMatchObject({ status: 'success', payload: { architecture: 'llama' } });

    // Also through the links of a snapshot: llama.cpp finds further parts by the name of the first.
    for (const [file, content] of parts) putHubCache(hubCache(), { repo: 'a/b', file, content });
    const linked = await asker.request('LOAD_MODEL', { modelPath: `a/b/${first}`, settings: SETTINGS });
    expect(linked).toMatchObject({ status: 'success', payload: { modelPath: `a/b/${first}` } });

    rmSync(join(lmStudio(), 'maker/copy/markov-00003-of-00003.gguf'));
    expect((await asker.request('GET_DOWNLOADED_MODELS')).payload.models).toHaveLength(1);
  });

  it('cause no additional requests for a download if there are none', async () => {
    await host.request('DOWNLOAD_MODEL', { modelPath: ID });
    expect(hub.requests.filter(({ method }) => method === 'HEAD')).toHaveLength(1);
  });

  it('report verification progress before they are loaded', async () => {
    putOllama(ollama(), 'markov', 'f16', [{ content: MODEL }]);
    await host.request('LOAD_MODEL', { modelPath: 'local/ollama/markov/f16', settings: SETTINGS });
    const events = host.received.filter(({ payload }) => payload?.message === 'Verifying the existing file');
    expect(events.at(-1)?.payload).toMatchObject({ status: 'progress', loaded: MODEL.length, total: MODEL.length });
    await host.request('UNLOAD_ALL_MODELS');
    const before = host.received.length;
    await host.request('LOAD_MODEL', { modelPath: 'local/ollama/markov/f16', settings: SETTINGS });
    const again = host.received.slice(before).map(({ payload }) => payload?.message);
    expect(again).not.toContain('Verifying the existing file');
  });

  it('are downloaded if a file of the same size has other bytes', async () => {
    const other = changedAtEnd(MODEL);
    put(other, lmStudio(), REPO, FILE);
    putHubCache(hubCache(), { repo: REPO, file: FILE, content: other });
    const reply = payloadOf('DOWNLOAD_MODEL', await host.request('DOWNLOAD_MODEL', { modelPath: ID }));
    expect(reply).not.toHaveProperty('source');
    expect(sha256(readFileSync(join(fixture.home, 'models', REPO, FILE)))).toBe(sha256(MODEL));
  });

  it('are reported as missing after their program removed them, and can then be downloaded', async () => {
    const path = put(MODEL, lmStudio(), REPO, FILE);
    await host.request('DOWNLOAD_MODEL', { modelPath: ID });
    rmSync(path);
    expect(await downloadedModels()).toEqual([]);
    const { models } = payloadOf('GET_AVAILABLE_MODELS', await host.request('GET_AVAILABLE_MODELS'));
    expect(models.find(({ id }) => id === ID)).toMatchObject({
      downloaded: false,
      source: 'lmstudio',
      description: expect.stringContaining(path),
    });
    const { gone } = payloadOf('SCAN_LOCAL_MODELS', await host.request('SCAN_LOCAL_MODELS'));
    expect(gone).toEqual([{ modelId: ID, id: ID, source: 'lmstudio', path }]);

    const reply = payloadOf('DOWNLOAD_MODEL', await host.request('DOWNLOAD_MODEL', { modelPath: ID }));
    expect(reply).not.toHaveProperty('path');
    expect(fetched()).toBeGreaterThan(0);
    expect(await downloadedModels()).toEqual([expect.objectContaining({ id: ID, source: 'disk' })]);
  });

  it('are trusted without verification only if the hub is not available', async () => {
    put(MODEL, lmStudio(), REPO, FILE);
    const offline = fixture.host({ env: { HF_ENDPOINT: hub.url, HF_HUB_OFFLINE: '1' } });
    const reply = payloadOf('DOWNLOAD_MODEL', await offline.request('DOWNLOAD_MODEL', { modelPath: ID }));
    expect(reply).toMatchObject({ cached: true, source: 'lmstudio' });
    expect(await offline.request('DOWNLOAD_MODEL', { modelPath: `${REPO}/other.gguf` })).toMatchObject({
      code: 'OFFLINE',
    });
  });

  it('are loaded by their own IDs if the hub no longer has them, and not mistaken for its files', async () => {
    put(MODEL, lmStudio(), 'maker/withdrawn/model.gguf');
    const named = { modelPath: 'maker/withdrawn/model.gguf' };
    expect(await host.request('DOWNLOAD_MODEL', named)).toMatchObject({ code: 'REPO_NOT_FOUND' });
    expect(await host.request('LOAD_MODEL', { ...named, settings: SETTINGS })).toMatchObject({ status: 'success' });
    expect((await downloadedModels()).map(({ id }) => id)).toEqual(['local/lmstudio/maker/withdrawn/model.gguf']);
  });

  it('are listed only if their headers are valid', async () => {
    put('<!doctype html><p>Not found', lmStudio(), 'maker/page/page.gguf');
    put(MODEL.subarray(0, MODEL.length / 2), lmStudio(), 'maker/short/short.gguf');
    put(tinyGguf({ keys: { 'general.architecture': string('clip') } }), lmStudio(), 'maker/eyes/mmproj.gguf');
    expect(await downloadedModels()).toEqual([]);
    const { models, rejected } = payloadOf('SCAN_LOCAL_MODELS', await host.request('SCAN_LOCAL_MODELS'));
    expect(models.map(({ id, kind }) => [id, kind])).toEqual([['local/lmstudio/maker/eyes/mmproj.gguf', 'projector']]);
    expect(rejected.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('a web page'),
      expect.stringContaining('truncated'),
    ]);
  });

  it('are reported as missing for an unknown ID, without a request to the hub', async () => {
    for (const action of ['LOAD_MODEL', 'DOWNLOAD_MODEL', 'DELETE_MODEL', 'RECOMMEND_SPLIT']) {
      expect(await host.request(action, { modelPath: 'local/ollama/qwen3/8b' })).toMatchObject({
        code: 'MODEL_NOT_DOWNLOADED',
      });
    }
    expect(hub.requests).toEqual([]);
  });

  it('cannot be imported by a browser', async () => {
    const path = put(MODEL, fixture.home, 'somewhere/own.gguf');
    expect(await host.request('IMPORT_MODEL', { path })).toMatchObject({ code: 'LOCAL_ONLY' });
    expect(await downloadedModels()).toEqual([]);
  });
});
