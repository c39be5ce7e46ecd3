import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { put } from '../../support/external/programs.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess, Message } from '../../support/host/host-process.ts';
import { startHub, type TestHub } from '../../support/hub/hub.ts';

const REPO = 'tabagent/markov-gguf';
const FILE = 'markov-Q4_K_M.gguf';
const BY_FILE = { modelPath: REPO, modelFile: FILE };
const BY_QUANTIZATION = { modelPath: `${REPO}:Q4_K_M` };

describe('a request that waits for the hub before its download starts', () => {
  let fixture: HostFixture;
  let hub: TestHub;
  let host: HostProcess;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    hub = fixture.use(await startHub({ repos: { [REPO]: { files: { [FILE]: markovModel() } } } }));
    host = fixture.host({ env: { HF_ENDPOINT: hub.url } });
  });
  afterEach(() => fixture.close());

  /** Cancels a request when an event that matches has arrived; returns the event. */
  async function cancelAt(action: string, fields: Message, matches: (payload: Message) => boolean): Promise<Message> {
    const event = host.next(({ type, payload }) => type !== undefined && matches(payload));
    const reply = host.request(action, fields);
    const { payload } = await event;
    expect(await host.request('CANCEL_DOWNLOAD', fields)).toMatchObject({ payload: { status: 'cancelled' } });
    expect(await reply).toMatchObject({ code: 'DOWNLOAD_CANCELLED' });
    return payload;
  }

  const rateLimit = () => hub.fault({ kind: 'status', status: 429, headers: { ratelimit: '"api";r=0;t=240' } });
  const isCountdown = ({ next }: Message) => next?.action === 'wait';

  it.each(['DOWNLOAD_MODEL', 'PULL_MODEL'])(
    'counts down to the time at which the hub accepts it again: %s',
    async (action) => {
      rateLimit();
      const event = await cancelAt(action, BY_QUANTIZATION, isCountdown);
      expect(event).toMatchObject({ modelId: `${REPO}:Q4_K_M`, repoId: REPO, fileName: '', total: 0 });
      expect(event.next).toMatchObject({ action: 'wait', code: 'RATE_LIMITED' });
      expect(event.next.inSeconds).toBeGreaterThan(200);
    },
  );

  it('counts down while it is compared with what another program has', async () => {
    put(markovModel(), fixture.home, '.lmstudio/models', 'other', 'model-GGUF', 'other.gguf');
    rateLimit();
    expect(await cancelAt('DOWNLOAD_MODEL', BY_FILE, isCountdown)).toMatchObject({ modelId: `${REPO}/${FILE}` });
  });

  it('counts down while the file on the disk is compared with that of the hub', async () => {
    expect(await host.request('DOWNLOAD_MODEL', BY_FILE)).toMatchObject({ status: 'success' });
    rateLimit();
    const event = host.next(({ type, payload }) => type !== undefined && isCountdown(payload));
    const reply = host.request('DOWNLOAD_MODEL', { ...BY_FILE, update: true });
    await event;
    await host.request('CANCEL_DOWNLOAD', BY_FILE);
    expect(await reply).toMatchObject({ code: 'DOWNLOAD_CANCELLED' });
  });

  it('counts down in the message of a load', async () => {
    rateLimit();
    const event = await cancelAt('LOAD_MODEL', BY_QUANTIZATION, ({ message }) => /^Waiting/.test(message));
    expect(event).toMatchObject({ modelId: `${REPO}:Q4_K_M`, status: 'progress' });
  });

  it('says that a silent hub is stalled', async () => {
    hub.fault({ kind: 'script', answer: () => {} });
    const event = await cancelAt('DOWNLOAD_MODEL', BY_QUANTIZATION, ({ stalled }) => stalled === true);
    expect(event).toMatchObject({ stalledSince: expect.any(Number), next: { action: 'reconnect' } });
  });
});

describe('a load of models that are on this computer', () => {
  const SETTINGS = { n_gpu_layers: 0, n_ctx: 64, n_threads: 1 };
  const files = [FILE, 'markov-Q8_0.gguf'];
  let fixture: HostFixture;
  let hub: TestHub;
  let host: HostProcess;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    hub = fixture.use(await startHub({ repos: {} }));
    for (const file of files) put(markovModel(), fixture.home, '.lmstudio/models', ...REPO.split('/'), file);
    host = fixture.host({ env: { HF_ENDPOINT: hub.url } });
  });
  afterEach(() => fixture.close());

  const load = async (fields: Message) => {
    const reply = await host.request('LOAD_MODEL', { ...fields, settings: SETTINGS });
    await host.request('UNLOAD_ALL_MODELS');
    return reply.payload?.modelId;
  };

  it.each([401, 404, 429, 500])('uses them if the hub refuses to list their repository: %i', async (status) => {
    hub.fault({ kind: 'status', status });
    expect(await load({ modelPath: REPO })).toBe(`${REPO}/${FILE}`);
  });

  it('asks a hub that does not answer only once', async () => {
    hub.fault({ kind: 'script', answer: () => {} });
    expect(await load({ modelPath: REPO })).toBe(`${REPO}/${FILE}`);
    expect(hub.requests).toHaveLength(1);
    expect(await load(BY_QUANTIZATION)).toBe(`${REPO}/${FILE}`);
    expect(await load(BY_FILE)).toBe(`${REPO}/${FILE}`);
    expect(hub.requests).toHaveLength(1);
  });
});
