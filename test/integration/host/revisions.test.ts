import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { seededBytes } from '../../support/cache/cache-fixture.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess } from '../../support/host/host-process.ts';
import { payloadOf } from '../../support/host/payload-of.ts';
import { startHub } from '../../support/hub/hub.ts';

const MiB = 1024 * 1024;
const REPO = 'maker/model-GGUF';
const FILE = 'm.gguf';
const CONTENT = seededBytes(24 * MiB, 5);

describe('a download of another revision than main', () => {
  let workshop: HostFixture;
  let host: HostProcess;
  let revision: string;
  let id: string;

  beforeEach(async () => {
    workshop = await HostFixture.open();
    const hub = workshop.use(
      await startHub({ repos: { [REPO]: { files: { [FILE]: CONTENT } } }, bytesPerSecond: 4 * MiB }),
    );
    revision = hub.commitOf(REPO);
    id = `${REPO}@${revision}/${FILE}`;
    host = workshop.host({ env: { HF_ENDPOINT: hub.url } });
    const started = host.next(({ type, payload }) => type === 'MODEL_DOWNLOAD_PROGRESS' && payload.loaded > 0);
    host.send({ action: 'DOWNLOAD_MODEL', requestId: 'download', modelPath: REPO, modelFile: FILE, revision });
    expect((await started).payload).toMatchObject({ modelId: id, repoId: REPO, fileName: FILE });
  });
  afterEach(() => workshop.close());

  /** The only download, as the host lists it. */
  async function listed() {
    const { downloads } = payloadOf('GET_ACTIVE_DOWNLOADS', await host.request('GET_ACTIVE_DOWNLOADS'));
    expect(downloads).toHaveLength(1);
    const [download] = downloads;
    if (download === undefined) throw new Error('No download is listed');
    return download;
  }

  it('is listed, paused, resumed and cancelled by its ID', async () => {
    const { modelId } = await listed();
    expect(modelId).toBe(id);
    const paused = payloadOf('PAUSE_DOWNLOAD', await host.request('PAUSE_DOWNLOAD', { modelId }));
    expect(paused).toMatchObject({ modelId: id, status: 'paused' });
    const status = payloadOf('GET_DOWNLOAD_STATUS', await host.request('GET_DOWNLOAD_STATUS', { modelId }));
    expect(status).toMatchObject({ modelId: id, status: 'paused' });
    payloadOf('RESUME_DOWNLOAD', await host.request('RESUME_DOWNLOAD', { modelId }));
    expect(await listed()).toMatchObject({ modelId: id, status: 'downloading' });
    const cancelled = payloadOf('CANCEL_DOWNLOAD', await host.request('CANCEL_DOWNLOAD', { modelId }));
    expect(cancelled).toMatchObject({ modelId: id, status: 'cancelled' });
  });

  it('is paused by its repository and file alone, as clients of the original name it, but not by the ID of main', async () => {
    expect(await host.request('PAUSE_DOWNLOAD', { modelId: `${REPO}/${FILE}` })).toMatchObject({
      code: 'DOWNLOAD_NOT_FOUND',
    });
    const { repo_id: repoId, file_path: fileName } = await listed();
    const paused = payloadOf('PAUSE_DOWNLOAD', await host.request('PAUSE_DOWNLOAD', { repoId, fileName }));
    expect(paused).toMatchObject({ modelId: id, status: 'paused' });
  });

  it('is listed, verified, pinned and deleted by its ID when it is complete', async () => {
    const finished = host.next(({ requestId, status }) => requestId === 'download' && status === 'success');
    expect(await finished).toMatchObject({ payload: { modelId: id, repoId: REPO, fileName: FILE } });
    const { models } = payloadOf('GET_DOWNLOADED_MODELS', await host.request('GET_DOWNLOADED_MODELS'));
    expect(models).toMatchObject([{ modelId: id, id }]);
    const { models: cached } = payloadOf('GET_CACHE_STATS', await host.request('GET_CACHE_STATS'));
    expect(cached).toMatchObject([{ modelId: id }]);
    const verified = payloadOf('VERIFY_MODEL', await host.request('VERIFY_MODEL', { modelId: id }));
    expect(verified).toMatchObject({ models: [{ modelId: id, state: 'good' }], bad: 0 });
    const pinned = payloadOf('PIN_MODEL', await host.request('PIN_MODEL', { modelId: id }));
    expect(pinned).toMatchObject({ modelId: id, pinned: true });
    const deleted = payloadOf('DELETE_MODEL', await host.request('DELETE_MODEL', { modelId: id }));
    expect(deleted).toEqual({ modelId: id, repoId: REPO, freed: CONTENT.length });
  });
});
