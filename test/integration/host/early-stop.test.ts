import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess } from '../../support/host/host-process.ts';
import { startHub, type TestHub } from '../../support/hub/hub.ts';

const REPO = 'tabagent/markov-gguf';
const FILE = 'markov-Q4_K_M.gguf';
const BY_FILE = { modelPath: REPO, modelFile: FILE };
const BY_REPOSITORY = { modelPath: REPO };
const BY_QUANTIZATION = { modelPath: `${REPO}:Q4_K_M` };
const BY_ID = { modelId: `${REPO}/${FILE}` };

describe('a stop that arrives before its download has started', () => {
  let fixture: HostFixture;
  let hub: TestHub;
  let host: HostProcess;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    hub = fixture.use(await startHub({ repos: { [REPO]: { files: { [FILE]: markovModel() } } } }));
    host = fixture.host({ env: { HF_ENDPOINT: hub.url } });
    // Opens the cache, so that later requests do not wait for it.
    await host.request('GET_ACTIVE_DOWNLOADS');
  });
  afterEach(() => fixture.close());

  const silence = () => hub.fault({ kind: 'stall', after: 0, match: ({ server }) => server === 'hub' });
  const isThere = () => existsSync(join(fixture.home, 'models', ...REPO.split('/'), FILE));
  const bytesAsked = () => hub.requests.filter(({ server }) => server === 'cdn').length;

  it.each([
    [BY_REPOSITORY, BY_REPOSITORY],
    [BY_QUANTIZATION, { modelPath: `${REPO}:q4_k_m` }],
    [BY_QUANTIZATION, { modelPath: REPO, quantization: 'Q4_K_M' }],
    [BY_FILE, BY_FILE],
    [BY_FILE, BY_ID],
    [BY_FILE, BY_QUANTIZATION],
    [BY_FILE, BY_REPOSITORY],
    [BY_REPOSITORY, { targetRequestId: 'start' }],
    [BY_FILE, { targetRequestId: 'start' }],
  ])('reaches a download of %j that is cancelled as %j before the hub responds', async (start, stop) => {
    for (const action of ['DOWNLOAD_MODEL', 'PULL_MODEL', 'LOAD_MODEL']) {
      silence();
      const reply = host.next(({ requestId, status }) => requestId === 'start' && status !== undefined);
      host.send({ action, requestId: 'start', ...start });
      expect(await host.request('CANCEL_DOWNLOAD', stop)).toMatchObject({ payload: { status: 'cancelled' } });
      expect(await reply).toMatchObject({ code: 'DOWNLOAD_CANCELLED' });
      hub.clearFaults();
    }
    expect(bytesAsked()).toBe(0);
    expect(await host.request('GET_ACTIVE_DOWNLOADS')).toMatchObject({ payload: { downloads: [] } });
  });

  it('reports its file before the hub has resolved which file is meant', async () => {
    const reply = host.request('DOWNLOAD_MODEL', BY_REPOSITORY);
    expect(await host.request('CANCEL_DOWNLOAD', BY_FILE)).toMatchObject({ payload: { status: 'cancelled' } });
    expect(await reply).toMatchObject({ code: 'DOWNLOAD_CANCELLED' });
    expect(isThere()).toBe(false);
  });

  it('does not affect the download of another file', async () => {
    const reply = host.request('DOWNLOAD_MODEL', BY_REPOSITORY);
    const other = { modelPath: REPO, modelFile: 'other.gguf' };
    expect(await host.request('CANCEL_DOWNLOAD', other)).toMatchObject({ code: 'DOWNLOAD_NOT_FOUND' });
    expect(await host.request('CANCEL_DOWNLOAD', { targetRequestId: 'none' })).toMatchObject({
      code: 'DOWNLOAD_NOT_FOUND',
    });
    expect(await reply).toMatchObject({ status: 'success' });
  });

  it('finds a finished download by the same names', async () => {
    expect(await host.request('DOWNLOAD_MODEL', BY_REPOSITORY)).toMatchObject({ status: 'success' });
    for (const model of [BY_FILE, BY_ID, BY_QUANTIZATION, BY_REPOSITORY]) {
      for (const action of ['CANCEL_DOWNLOAD', 'PAUSE_DOWNLOAD', 'RESUME_DOWNLOAD', 'GET_DOWNLOAD_STATUS']) {
        expect(await host.request(action, model)).toMatchObject({ payload: { status: 'completed' } });
      }
      expect(await host.request('VERIFY_MODEL', model)).toMatchObject({ payload: { checked: 1, bad: 0 } });
    }
  });

  it.each([[BY_FILE], [BY_REPOSITORY], [BY_QUANTIZATION]])('pauses %j, which can be resumed', async (model) => {
    const reply = host.request('DOWNLOAD_MODEL', model);
    expect(await host.request('PAUSE_DOWNLOAD', model)).toMatchObject({ payload: { status: 'paused' } });
    expect(await reply).toMatchObject({ code: 'DOWNLOAD_PAUSED' });
    expect(await host.request('GET_DOWNLOAD_STATUS', model)).toMatchObject({ payload: { status: 'paused' } });
    expect(await host.request('RESUME_DOWNLOAD', model)).toMatchObject({ payload: { status: 'downloading' } });
    expect(await host.request('DOWNLOAD_MODEL', model)).toMatchObject({ status: 'success' });
    expect(isThere()).toBe(true);
  });

  it('is overridden by a later start: the last of many requests wins', async () => {
    for (const last of ['CANCEL_DOWNLOAD', 'PAUSE_DOWNLOAD', 'DOWNLOAD_MODEL']) {
      for (let round = 0; round < 3; round += 1) {
        const actions = ['DOWNLOAD_MODEL', 'PAUSE_DOWNLOAD', 'RESUME_DOWNLOAD', 'CANCEL_DOWNLOAD', 'DOWNLOAD_MODEL'];
        const models = [BY_FILE, BY_REPOSITORY, BY_QUANTIZATION];
        for (const [at, action] of [...actions, ...(last === 'DOWNLOAD_MODEL' ? [] : [last])].entries()) {
          host.send({ action, requestId: `many-${at}`, ...models[(at + round) % models.length] });
        }
        if (last === 'DOWNLOAD_MODEL') {
          expect(await host.request('DOWNLOAD_MODEL', BY_FILE)).toMatchObject({ status: 'success' });
          expect(isThere()).toBe(true);
          expect(await host.request('DELETE_MODEL', BY_FILE)).toMatchObject({ status: 'success' });
        } else {
          const status = last === 'CANCEL_DOWNLOAD' ? 'cancelled' : 'paused';
          expect(await host.request(last, BY_FILE)).toMatchObject(
            status === 'paused' ? { payload: { status } } : { code: 'DOWNLOAD_NOT_FOUND' },
          );
          expect(isThere()).toBe(false);
          const entry = await host.request('GET_DOWNLOAD_STATUS', BY_FILE);
          expect(entry).toMatchObject({ payload: { status } });
        }
      }
    }
  });
});

describe('CANCEL_VERIFY directly after a verification', () => {
  let fixture: HostFixture;
  let host: HostProcess;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    const hub = fixture.use(await startHub({ repos: { [REPO]: { files: { [FILE]: markovModel() } } } }));
    hub.fault({ kind: 'stall', after: 0 });
    const path = join(fixture.home, 'models', ...REPO.split('/'), FILE);
    mkdirSync(dirname(path), { recursive: true });
    // There is no record of this model, so a verification requests it from the hub, which does not respond.
    writeFileSync(path, markovModel());
    host = fixture.host({ env: { HF_ENDPOINT: hub.url } });
  });
  afterEach(() => fixture.close());

  const EVERY = {};
  const names = [BY_FILE, BY_QUANTIZATION, BY_ID, EVERY];

  it('cancels it, however both name the model', async () => {
    for (const start of names) {
      for (const stop of [...(start === EVERY ? [] : names), EVERY, { targetRequestId: 'start' }]) {
        for (const action of ['VERIFY_MODEL', 'REPAIR_MODEL']) {
          const reply = host.next(({ requestId, status }) => requestId === 'start' && status !== undefined);
          host.send({ action, requestId: 'start', ...start });
          const cancelled = await host.request('CANCEL_VERIFY', stop);
          expect([start, stop, cancelled]).toMatchObject([start, stop, { payload: { cancelled: 1 } }]);
          expect(await reply).toMatchObject({ code: 'CANCELLED' });
        }
      }
    }
  });

  it.each([
    [{ targetRequestId: 'other' }],
    [{ modelPath: `${REPO}:Q8_0` }],
    [{ modelPath: REPO, modelFile: FILE.toLowerCase() }],
    [{ modelId: `other/repository/${FILE}` }],
  ])('does not affect that of another model: %j', async (stop) => {
    const reply = host.next(({ requestId, status }) => requestId === 'start' && status !== undefined);
    host.send({ action: 'VERIFY_MODEL', requestId: 'start', ...BY_FILE });
    expect(await host.request('CANCEL_VERIFY', stop)).toMatchObject({ payload: { cancelled: 0 } });
    expect(await host.request('CANCEL_VERIFY')).toMatchObject({ payload: { cancelled: 1 } });
    expect(await reply).toMatchObject({ code: 'CANCELLED' });
  });
});
