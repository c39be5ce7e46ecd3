import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { HOST_MAIN, type HostProcess, type Message } from '../../support/host/host-process.ts';
import { startHub, type TestHub } from '../../support/hub/hub.ts';

const IGNORE_CASE = fileURLToPath(new URL('../../support/host/ignore-case.ts', import.meta.url));
const MODEL = markovModel();
/** Another model with the same length as {@link MODEL}. */
const TWIN = Buffer.from(MODEL);
TWIN[TWIN.length - 5] = (TWIN.at(-5) ?? 0) ^ 1;
const LONGER = Buffer.concat([MODEL, Buffer.alloc(64)]);
const SETTINGS = { n_gpu_layers: 0, n_ctx: 256, n_threads: 1 };

describe('names that differ only in case', () => {
  let fixture: HostFixture;
  let hub: TestHub;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    hub = fixture.use(
      await startHub({
        repos: {
          'o/caps': { files: { 'Model.gguf': MODEL, 'model.gguf': TWIN, 'MODEL.gguf': LONGER } },
          'O/Caps': { files: { 'Model.gguf': TWIN, 'other.gguf': MODEL } },
        },
      }),
    );
  });
  afterEach(() => fixture.close());

  const host = (ignoresCase: boolean) =>
    fixture.host({
      ...(ignoresCase ? { command: [process.execPath, '--import', IGNORE_CASE, HOST_MAIN] as const } : {}),
      env: { HF_ENDPOINT: hub.url, TEST_IGNORES_CASE_BELOW: join(fixture.home, 'models') },
    });
  const ids = async (from: HostProcess) =>
    (await from.request('GET_DOWNLOADED_MODELS')).payload.models.map(({ id }: Message) => id);
  const bytes = () => readFile(join(fixture.home, 'models', 'o', 'caps', 'Model.gguf'));

  it('are two models on a disk that distinguishes case', async () => {
    const sensitive = host(false);
    for (const modelId of ['o/caps/Model.gguf', 'o/caps/model.gguf', 'O/Caps/other.gguf']) {
      expect(await sensitive.request('DOWNLOAD_MODEL', { modelId })).toMatchObject({ status: 'success' });
    }
    expect(await ids(sensitive)).toEqual(['O/Caps/other.gguf', 'o/caps/Model.gguf', 'o/caps/model.gguf']);
    expect(await sensitive.request('DELETE_MODEL', { modelId: 'o/caps/model.gguf' })).toMatchObject({
      status: 'success',
    });
    expect(await ids(sensitive)).toEqual(['O/Caps/other.gguf', 'o/caps/Model.gguf']);
  });

  describe('on a disk that ignores case', () => {
    let first: HostProcess;
    beforeEach(async () => {
      first = host(true);
      const reply = await first.request('DOWNLOAD_MODEL', { modelId: 'o/caps/Model.gguf' });
      expect(reply).toMatchObject({ status: 'success' });
    });

    it.each(['o/caps/model.gguf', 'o/caps/MODEL.gguf', 'O/Caps/Model.gguf', 'O/Caps/other.gguf'])(
      '%s does not overwrite, match or delete the existing model',
      async (modelId) => {
        for (const action of ['LOAD_MODEL', 'DELETE_MODEL', 'VERIFY_MODEL', 'PIN_MODEL']) {
          const reply = await first.request(action, { modelId, settings: SETTINGS });
          // Deletes the record of the rejected download, which has no bytes.
          if (action === 'DELETE_MODEL') expect(reply.payload).toMatchObject({ freed: 0 });
          else expect({ action, code: reply.code }).not.toEqual({ action, code: undefined });
        }
        expect(await first.request('DOWNLOAD_MODEL', { modelId })).toMatchObject({
          status: 'error',
          code: 'NAME_CONFLICT',
          details: { wanted: modelId },
        });
        expect(await first.request('GET_DOWNLOAD_STATUS', { modelId })).not.toMatchObject({
          payload: { status: 'completed' },
        });
        await first.request('CANCEL_DOWNLOAD', { modelId });
        expect(await ids(first)).toEqual(['o/caps/Model.gguf']);
        expect((await bytes()).equals(MODEL)).toBe(true);
      },
    );

    it('a model loaded by another host is not deleted through another spelling', async () => {
      const second = host(true);
      const loaded = await second.request('LOAD_MODEL', { modelId: 'o/caps/Model.gguf', settings: SETTINGS });
      expect(loaded).toMatchObject({ status: 'success' });
      expect(await first.request('DELETE_MODEL', { modelId: 'o/caps/model.gguf' })).toMatchObject({
        code: 'MODEL_NOT_DOWNLOADED',
      });
      expect(await first.request('DELETE_MODEL', { modelId: 'o/caps/Model.gguf' })).toMatchObject({
        code: 'MODEL_IN_USE',
      });
    });

    it('the model itself can be used and deleted', async () => {
      const modelId = 'o/caps/Model.gguf';
      expect(await first.request('VERIFY_MODEL', { modelId })).toMatchObject({ status: 'success' });
      expect(await first.request('DELETE_MODEL', { modelId })).toMatchObject({ status: 'success' });
      expect(await ids(first)).toEqual([]);
      expect(await first.request('DOWNLOAD_MODEL', { modelId: 'o/caps/MODEL.gguf' })).toMatchObject({
        status: 'success',
      });
      expect(await ids(first)).toEqual(['o/caps/MODEL.gguf']);
    });
  });

  it('a paused download reserves the name', async () => {
    const slow = fixture.use(
      await startHub({
        repos: { 'o/caps': { files: { 'Model.gguf': Buffer.alloc(8 << 20, 1), 'model.gguf': TWIN } } },
        bytesPerSecond: 1 << 20,
      }),
    );
    await mkdir(join(fixture.home, 'partial'));
    const env = { HF_ENDPOINT: slow.url, TEST_IGNORES_CASE_BELOW: fixture.home };
    const started = fixture.host({ command: [process.execPath, '--import', IGNORE_CASE, HOST_MAIN], env });
    const progress = started.next(
      (message) => message.type === 'MODEL_DOWNLOAD_PROGRESS' && message.payload.loaded > 0,
    );
    const download = started.request('DOWNLOAD_MODEL', { modelId: 'o/caps/Model.gguf' });
    await progress;
    await started.request('PAUSE_DOWNLOAD', { modelId: 'o/caps/Model.gguf' });
    expect(await download).toMatchObject({ code: 'DOWNLOAD_PAUSED' });
    expect(await started.request('DOWNLOAD_MODEL', { modelId: 'o/caps/model.gguf' })).toMatchObject({
      code: 'NAME_CONFLICT',
      details: { found: 'o/caps/Model.gguf' },
    });
  });

  it('deleting an unfinished download leaves another model’s file', async () => {
    // The files of a download that an earlier version started.
    const folder = join(fixture.home, 'models', 'o', 'caps');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'Split-00001-of-00002.gguf'), MODEL);
    const started = host(true);
    await started.request('DELETE_MODEL', { modelId: 'o/caps/split-00001-of-00002.gguf' });
    expect(await readdir(folder)).toEqual(['Split-00001-of-00002.gguf']);
  });
});
