import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ToPage } from '../../../extension/worker/page-messages.ts';
import { Worker } from '../../../extension/worker/worker.ts';
import { HandClock } from '../../support/extension/hand-clock.ts';
import { portOf } from '../../support/extension/host-port.ts';
import { deadPort, PageEnd } from '../../support/extension/page-end.ts';
import { ENDLESS } from '../../support/gguf/chains.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import type { HostProcess } from '../../support/host/host-process.ts';
import { Workshop } from '../../support/host/workshop.ts';
import { startHub, type TestHub } from '../../support/hub/hub.ts';

const STORY = { modelPath: 'tabagent/markov-gguf/story.gguf' };
const LONG = { modelPath: 'tabagent/markov-gguf/long.gguf', settings: { n_ctx: 32_768, n_threads: 1 } };
const WITHOUT_END = { prompt: '', settings: { do_sample: false, max_new_tokens: 1_000_000 } };

const isState = (status: string) => (message: ToPage) => message.kind === 'state' && message.state.status === status;
const isAnswer = (id: number) => (message: ToPage) =>
  (message.kind === 'reply' || message.kind === 'error') && message.id === id;
const isEvent = (type: string) => (message: ToPage) => message.kind === 'event' && message.event.type === type;

describe('the background worker, with real hosts', () => {
  let shop: Workshop;
  let hub: TestHub;
  let hosts: HostProcess[];
  let clock: HandClock;
  let isInstalled: boolean;
  let worker: Worker;

  beforeEach(async () => {
    shop = await Workshop.open();
    const files = {
      'story.gguf': markovModel(),
      'long.gguf': markovModel({ chain: ENDLESS, contextLength: 32_768 }),
    };
    hub = shop.use(await startHub({ repos: { 'tabagent/markov-gguf': { files } } }));
    hosts = [];
    clock = new HandClock();
    isInstalled = true;
    worker = newWorker();
  });
  afterEach(() => shop.close());

  function newWorker(version = '0.1.0'): Worker {
    return new Worker({
      connect: () => {
        if (!isInstalled) return deadPort();
        const host = shop.host({ env: { HF_ENDPOINT: hub.url } });
        hosts.push(host);
        return portOf(host);
      },
      reasonOf: () => (isInstalled ? 'Native host has exited.' : 'Specified native messaging host not found.'),
      clock,
      version,
    });
  }

  async function openPage(at = worker): Promise<PageEnd> {
    const page = new PageEnd();
    at.accept(page.port);
    await page.hears(isState('connected'));
    return page;
  }

  async function ask(page: PageEnd, id: number, action: string, fields: object = {}): Promise<ToPage> {
    page.say({ kind: 'request', id, action, fields });
    return page.hears(isAnswer(id));
  }

  it('starts one host for all pages, and gives each page its own replies', async () => {
    const [one, two] = await Promise.all([openPage(), openPage()]);
    const [pong, models] = await Promise.all([ask(one, 1, 'PING'), ask(two, 1, 'GET_DOWNLOADED_MODELS')]);
    expect(hosts).toHaveLength(1);
    expect(pong).toMatchObject({ kind: 'reply', payload: { pid: hosts[0]?.pid } });
    expect(models).toMatchObject({ kind: 'reply', payload: { models: [] } });
    expect(one.heard.filter(isAnswer(1))).toHaveLength(1);
  });

  it('hands on an error with its code, and an action no host has', async () => {
    const page = await openPage();
    expect(await ask(page, 1, 'UNLOAD_MODEL', { modelId: STORY.modelPath })).toMatchObject({
      kind: 'error',
      code: 'MODEL_NOT_LOADED',
      details: { modelId: STORY.modelPath },
    });
    expect(await ask(page, 2, 'NO_SUCH_ACTION')).toMatchObject({ kind: 'error', code: 'UNKNOWN_ACTION' });
  });

  it('tells every page of a download and that it changed something, and nobody else of a generation', async () => {
    const [one, two] = await Promise.all([openPage(), openPage()]);
    expect(await ask(one, 1, 'LOAD_MODEL', STORY)).toMatchObject({ kind: 'reply' });
    await two.hears(isEvent('modelWorkerLoadingProgress'));
    await two.hears((message) => message.kind === 'changed' && message.action === 'LOAD_MODEL');
    await ask(one, 2, 'GENERATE', { prompt: '', settings: { do_sample: false } });
    expect(one.heard.find(isEvent('generationUpdate'))).toMatchObject({ id: 2 });
    expect(two.heard.find(isEvent('generationUpdate'))).toBeUndefined();
  });

  it('stops a generation when its page says so, and when its page is closed', async () => {
    const [one, two] = await Promise.all([openPage(), openPage()]);
    expect(await ask(one, 1, 'LOAD_MODEL', LONG)).toMatchObject({ kind: 'reply' });
    one.say({ kind: 'request', id: 2, action: 'GENERATE', fields: WITHOUT_END });
    await one.hears(isEvent('generationUpdate'));
    one.say({ kind: 'stop', id: 2 });
    expect(await one.hears(isAnswer(2))).toMatchObject({ payload: { finishReason: 'stopped' } });

    two.say({ kind: 'request', id: 1, action: 'GENERATE', fields: WITHOUT_END });
    await two.hears(isEvent('generationUpdate'));
    two.close();
    // The model answers one at a time: this one comes only when the other has ended.
    const short = { prompt: '', settings: { do_sample: false, max_new_tokens: 1 } };
    expect(await ask(one, 3, 'GENERATE', short)).toMatchObject({ payload: { numTokens: 1 } });
  });

  it('says why there is no host, tries again with growing pauses, and finds it once it is installed', async () => {
    isInstalled = false;
    const page = new PageEnd();
    worker.accept(page.port);
    expect(await page.hears(isState('failed'))).toMatchObject({ state: { problem: { kind: 'notInstalled' } } });
    expect(await ask(page, 1, 'PING')).toMatchObject({
      code: 'HOST_DISCONNECTED',
      details: { problem: 'notInstalled' },
    });
    for (const pause of [1_000, 2_000, 4_000, 8_000, 8_000]) {
      await clock.isSet(pause);
      clock.pass(pause);
    }
    isInstalled = true;
    await clock.isSet(8_000);
    clock.pass(8_000);
    await page.hears(isState('connected'));
    expect(await ask(page, 2, 'PING')).toMatchObject({ kind: 'reply' });
  });

  it('does not try again once no page is open, and tries at once when a user asks', async () => {
    isInstalled = false;
    const page = new PageEnd();
    worker.accept(page.port);
    await page.hears(isState('failed'));
    isInstalled = true;
    page.say({ kind: 'retry' });
    await page.hears(isState('connected'));
    await hosts[0]?.kill();
    await clock.isSet(500);
    page.close();
    clock.pass(500);
    expect(hosts).toHaveLength(1);
  });

  it('starts the host again when it was killed, and goes on with the download it was at', async () => {
    const page = await openPage();
    hub.fault({ kind: 'stall', after: 100, match: ({ server }) => server === 'cdn' });
    page.say({ kind: 'request', id: 1, action: 'DOWNLOAD_MODEL', fields: STORY });
    await page.hears(isEvent('MODEL_DOWNLOAD_PROGRESS'));
    await hosts[0]?.kill();
    hub.heal();
    expect(await page.hears(isAnswer(1))).toMatchObject({ kind: 'error', code: 'HOST_DISCONNECTED' });
    expect(await page.hears(isState('failed'))).toMatchObject({ state: { problem: { kind: 'stopped' } } });
    await clock.isSet(500);
    clock.pass(500);
    await page.hears(({ kind, ...message }) => kind === 'changed' && 'action' in message && hosts.length === 2);
    await page.hears((message) => isEvent('MODEL_DOWNLOAD_PROGRESS')(message) && percentOf(message) === 100);
    await page.hears((message) => message.kind === 'changed' && message.action === 'DOWNLOAD_MODEL');
    expect(await ask(page, 2, 'GET_DOWNLOADED_MODELS')).toMatchObject({
      payload: { models: [{ id: STORY.modelPath }] },
    });
  });

  it('remembers nothing: another worker in its place finds what the disk has', async () => {
    const page = await openPage();
    await ask(page, 1, 'DOWNLOAD_MODEL', STORY);
    const again = await openPage(newWorker());
    expect(await ask(again, 1, 'GET_DOWNLOADED_MODELS')).toMatchObject({
      payload: { models: [{ id: STORY.modelPath }] },
    });
  });

  it('says which side is too old, and asks nothing else of it', async () => {
    worker = newWorker('0.0.9');
    const page = new PageEnd();
    worker.accept(page.port);
    const told = await page.hears(isState('failed'));
    expect(told).toMatchObject({
      state: { problem: { kind: 'extensionOutdated', reason: expect.stringContaining('0.0.9') } },
    });
    expect(await ask(page, 1, 'GET_DOWNLOADED_MODELS')).toMatchObject({ details: { problem: 'extensionOutdated' } });
  });

  it('gives up on a host that does not answer', async () => {
    worker = new Worker({
      connect: () => ({ ...deadPort(), onDisconnect: { addListener() {} } }),
      reasonOf: () => undefined,
      clock,
      version: '0.1.0',
    });
    const page = new PageEnd();
    worker.accept(page.port);
    await clock.isSet(15_000);
    clock.pass(15_000);
    expect(await page.hears(isState('failed'))).toMatchObject({ state: { problem: { kind: 'silent' } } });
  });

  it('takes no notice of what no page of ours says', async () => {
    const page = await openPage();
    for (const message of [
      null,
      'PING',
      { kind: 'request' },
      { kind: 'request', id: 'x', action: 'PING' },
      { id: 1 },
    ]) {
      page.say(message);
    }
    expect(await ask(page, 1, 'PING')).toMatchObject({ kind: 'reply' });
    expect(page.heard.filter(({ kind }) => kind === 'error')).toEqual([]);
  });
});

function percentOf(message: ToPage): number | undefined {
  if (message.kind !== 'event' || message.event.type !== 'MODEL_DOWNLOAD_PROGRESS') return undefined;
  return message.event.payload.progress;
}
