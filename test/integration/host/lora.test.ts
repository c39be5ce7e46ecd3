import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runCommand } from '../../support/cli/run-command.ts';
import { put } from '../../support/external/programs.ts';
import { WIDTH as BERT_WIDTH, bertModel } from '../../support/gguf/bert-model.ts';
import { markovAdapter, SHORT_STORY, zeroPair } from '../../support/gguf/markov-adapter.ts';
import { markovModel, STORY_GREEDY } from '../../support/gguf/markov-model.ts';
import { string } from '../../support/gguf/write-gguf.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess } from '../../support/host/host-process.ts';
import { payloadOf } from '../../support/host/payload-of.ts';
import { startHub, type TestHub } from '../../support/hub/hub.ts';

const STORY = { modelPath: 'made/story', modelFile: 'story.gguf' };
const STORY_ID = 'made/story/story.gguf';
const REPO = 'made/adapters';
const ID = `${REPO}/shortcut-lora-F32.gguf`;
const OTHER = `${REPO}/other-arch.gguf`;
const SETTINGS = { n_gpu_layers: 0, n_ctx: 128, n_threads: 1 };
const BASE = { name: 'Markov', repoId: 'made/story' };

describe('LoRA adapters', () => {
  let fixture: HostFixture;
  let hub: TestHub;
  let host: HostProcess;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    const files = {
      'shortcut-lora-F32.gguf': markovAdapter(),
      'other-arch.gguf': markovAdapter({ keys: { 'general.architecture': string('qwen3') } }),
    };
    const story = markovModel({ metadata: { 'tokenizer.chat_template': string('{{ messages[-1].content }}') } });
    hub = fixture.use(
      await startHub({ repos: { [REPO]: { files }, 'made/story': { files: { 'story.gguf': story } } } }),
    );
    host = fixture.host({ env: { HF_ENDPOINT: hub.url } });
    await host.request('DOWNLOAD_MODEL', { modelId: STORY_ID });
  });
  afterEach(() => fixture.close());

  const download = async (id = ID) =>
    payloadOf('DOWNLOAD_MODEL', await host.request('DOWNLOAD_MODEL', { modelId: id }));
  const load = (lora?: object[], more = {}) =>
    host.request('LOAD_MODEL', { ...STORY, settings: { ...SETTINGS, ...(lora && { lora }) }, ...more });
  const story = async (on = host) => {
    const settings = { do_sample: false, max_new_tokens: 16 };
    return payloadOf('GENERATE', await on.request('GENERATE', { prompt: '', settings })).output.trim();
  };

  it('are listed in a repository with their base model, downloaded as what they are, and listed on the disk', async () => {
    const { files, choice } = payloadOf('LIST_REPO_FILES', await host.request('LIST_REPO_FILES', { repoId: REPO }));
    expect(files.find(({ modelId }) => modelId === ID)).toMatchObject({ kind: 'adapter', baseModel: BASE });
    expect(choice).toBeNull();
    expect(await download()).toMatchObject({ modelId: ID, kind: 'adapter', baseModel: BASE });
    expect(await download()).toMatchObject({ kind: 'adapter', baseModel: BASE });
    const { models } = payloadOf('GET_DOWNLOADED_MODELS', await host.request('GET_DOWNLOADED_MODELS'));
    expect(models.map(({ modelId, kind, baseModel }) => ({ modelId, kind, baseModel }))).toEqual([
      { modelId: ID, kind: 'adapter', baseModel: BASE },
      { modelId: STORY_ID },
    ]);
    // It is still no model.
    expect(await host.request('LOAD_MODEL', { modelId: ID })).toMatchObject({ code: 'MODEL_REJECTED' });
    expect(await host.request('LOAD_MODEL', { modelId: OTHER })).toMatchObject({
      code: 'MODEL_REJECTED',
      message: expect.stringMatching(/is a LoRA adapter/),
    });
  });

  it('change what a model generates, at their scale, and are named by replies', async () => {
    await download();
    expect(payloadOf('LOAD_MODEL', await load([{ id: ID }]))).toMatchObject({
      alreadyLoaded: false,
      capabilities: ['generate'],
      lora: [{ id: ID, scale: 1 }],
    });
    expect(await story()).toBe(SHORT_STORY);
    const { models } = payloadOf('GET_LOADED_MODELS', await host.request('GET_LOADED_MODELS'));
    expect(models).toMatchObject([{ modelId: STORY_ID, lora: [{ id: ID, scale: 1 }] }]);
    expect(await host.request('GENERATE_EMBEDDINGS', { texts: ['once'] })).toMatchObject({
      code: 'MODEL_NOT_CAPABLE',
      message: expect.stringMatching(/LoRA adapters/),
    });
    // The same list keeps the model, another one loads it again.
    expect(payloadOf('LOAD_MODEL', await load([{ id: REPO, scale: 1 }])).alreadyLoaded).toBe(true);
    expect(payloadOf('LOAD_MODEL', await load()).alreadyLoaded).toBe(true);
    const kept = payloadOf('LOAD_MODEL', await load([], { reload: false }));
    expect(kept.differences).toEqual({ lora: { loaded: [{ id: ID, scale: 1 }], requested: [] } });
    expect(payloadOf('LOAD_MODEL', await load([{ id: ID, scale: 0 }])).alreadyLoaded).toBe(false);
    expect(await story()).toBe(STORY_GREEDY);
    expect(payloadOf('LOAD_MODEL', await load([]))).not.toHaveProperty('lora');
    expect(await story()).toBe(STORY_GREEDY);
  });

  it('are saved for a model, and left out where a request says so', async () => {
    await download();
    const save = { ...STORY, settings: { load: { lora: [{ id: REPO, scale: 0.75 }] } } };
    const { settings } = payloadOf('SET_MODEL_SETTINGS', await host.request('SET_MODEL_SETTINGS', save));
    expect(settings.load).toEqual({ lora: [{ id: ID, scale: 0.75 }] });
    expect(payloadOf('LOAD_MODEL', await load())).toMatchObject({ lora: [{ id: ID, scale: 0.75 }] });
    expect(await story()).toBe(SHORT_STORY);
    expect(payloadOf('LOAD_MODEL', await load([]))).not.toHaveProperty('lora');
    expect(await story()).toBe(STORY_GREEDY);
  });

  it('of another program are found by their names', async () => {
    put(markovAdapter(), fixture.home, '.lmstudio/models/made/local/shortcut.gguf');
    const scan = payloadOf('SCAN_LOCAL_MODELS', await host.request('SCAN_LOCAL_MODELS'));
    const [{ modelId = '' } = {}] = scan.models;
    expect(scan.models).toMatchObject([
      { kind: 'adapter', architecture: 'llama', baseModel: BASE, quantization: null },
    ]);
    expect(payloadOf('LOAD_MODEL', await load([{ id: modelId }]))).toMatchObject({ lora: [{ id: modelId, scale: 1 }] });
    expect(await story()).toBe(SHORT_STORY);
    const { models } = payloadOf('GET_DOWNLOADED_MODELS', await host.request('GET_DOWNLOADED_MODELS'));
    expect(models).toContainEqual(expect.objectContaining({ modelId, kind: 'adapter', baseModel: BASE }));
  });

  it('are refused with the reason', async () => {
    await download();
    await download(OTHER);
    expect(await load([{ id: OTHER }])).toMatchObject({
      code: 'MODEL_REJECTED',
      message: expect.stringMatching(/other-arch\.gguf cannot be loaded: it is for models of architecture "qwen3"/),
    });
    expect(await load([{ id: STORY_ID }])).toMatchObject({
      message: expect.stringMatching(/it is a model, so it is not a LoRA/),
    });
    const cases: [object[], string][] = [
      [[{ id: 'made/missing/a.gguf' }], 'MODEL_NOT_DOWNLOADED'],
      [[{ id: 'made/adapters:Q8_0' }], 'MODEL_NOT_DOWNLOADED'],
      [[{ path: join(fixture.home, 'a.gguf') }], 'LOCAL_ONLY'],
      [[{ id: ID, path: '/a.gguf' }], 'INVALID_REQUEST'],
      [[{}], 'INVALID_REQUEST'],
      [[{ id: '../a' }], 'INVALID_REQUEST'],
      [[{ id: ID }, { id: ID, scale: 2 }], 'INVALID_REQUEST'],
      [[{ id: ID, scale: 1e9 }], 'INVALID_REQUEST'],
      [[{ id: ID, weight: 1 }], 'INVALID_REQUEST'],
      [Array.from({ length: 17 }, () => ({ id: ID })), 'INVALID_REQUEST'],
    ];
    for (const [lora, code] of cases) expect(await load(lora)).toMatchObject({ code });
    expect(await host.request('LOAD_MODEL', { modelId: 'remote/engine/model', lora: [{ id: ID }] })).toMatchObject({
      code: 'INVALID_REQUEST',
      details: { field: 'lora' },
    });
    // Nothing was loaded meanwhile.
    expect(payloadOf('GET_LOADED_MODELS', await host.request('GET_LOADED_MODELS')).models).toEqual([]);
  });

  it('are refused for a model that generates nothing', async () => {
    await download();
    mkdirSync(join(fixture.home, 'models/made/bert'), { recursive: true });
    const tensors = zeroPair('blk.0.attn_q.weight', { a: [BERT_WIDTH, 2], b: [2, BERT_WIDTH] });
    const adapter = markovAdapter({ tensors, keys: { 'general.architecture': string('bert') } });
    writeFileSync(join(fixture.home, 'models/made/bert/lora.gguf'), adapter);
    writeFileSync(join(fixture.home, 'models/made/bert/bert.gguf'), bertModel({ words: ['a'] }));
    const request = { modelId: 'made/bert/bert.gguf', lora: [{ id: 'made/bert/lora.gguf' }] };
    expect(await host.request('LOAD_MODEL', request)).toMatchObject({
      code: 'MODEL_NOT_CAPABLE',
      message: expect.stringMatching(/does not generate text\. Load it without LoRA adapters\./),
    });
  });

  it('are files on the command line', async () => {
    await host.close();
    const file = join(fixture.home, 'my adapter.gguf');
    writeFileSync(file, markovAdapter());
    const run = (...words: string[]) => runCommand(words, { home: fixture.home, env: { HF_ENDPOINT: hub.url } });
    const tell = ['run', 'story', '--temperature', '0', '--context', '128', '--lora'];
    const spoken = (text: string) => expect.stringContaining(text);
    expect(await run(...tell, file, 'once upon one')).toMatchObject({ code: 0, stdout: spoken('small model .') });
    expect(await run(...tell, `${file}:0`, 'once upon one')).toMatchObject({
      code: 0,
      stdout: spoken('time there was'),
    });
    expect((await run('ls')).stdout).toMatch(/local\/import\/my adapter\.gguf .*adapter/);
    expect(await run('set', 'story', 'lora', `${file}:0.5`)).toMatchObject({
      code: 0,
      stdout: spoken('local/import/my adapter.gguf:0.5'),
    });
    expect(await run(...tell.slice(0, -1), 'once upon one')).toMatchObject({
      code: 0,
      stdout: spoken('small model .'),
    });
    expect(await run(...tell, 'none', 'once upon one')).toMatchObject({ code: 0, stdout: spoken('time there was') });
    rmSync(file);
    expect(await run(...tell.slice(0, -1), 'once upon one')).toMatchObject({ code: 3 });
    expect(await run(...tell, './missing.gguf', 'once')).toMatchObject({ code: 3 });
  });
});
