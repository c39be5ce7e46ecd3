import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { LongTask } from '../../../extension/worker/long-tasks.ts';
import type { ToPage } from '../../../extension/worker/page-messages.ts';
import { Worker } from '../../../extension/worker/worker.ts';
import { portOf } from '../../support/extension/host-port.ts';
import { ManualClock } from '../../support/extension/manual-clock.ts';
import { deadPort, TestPage } from '../../support/extension/test-page.ts';
import { ENDLESS } from '../../support/gguf/chains.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { string } from '../../support/gguf/write-gguf.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess } from '../../support/host/host-process.ts';
import { startHub, type TestHub } from '../../support/hub/hub.ts';

const STORY = { modelPath: 'tabagent/markov-gguf/story.gguf' };
const LONG = { modelPath: 'tabagent/markov-gguf/long.gguf', settings: { n_ctx: 32_768, n_threads: 1 } };
const WITHOUT_END = { do_sample: false, max_new_tokens: 1_000_000 };

const isState = (status: string) => (message: ToPage) => message.kind === 'state' && message.state.status === status;
const isAnswer = (id: number) => (message: ToPage) =>
  (message.kind === 'reply' || message.kind === 'error') && message.id === id;
const isEvent = (type: string) => (message: ToPage) => message.kind === 'event' && message.event.type === type;

describe('the background worker, with real hosts', () => {
  let fixture: HostFixture;
  let hub: TestHub;
  let hosts: HostProcess[];
  let clock: ManualClock;
  let isInstalled: boolean;
  let worker: Worker;
  let badges: string[];
  let notified: LongTask[];
  let nextReply: object | undefined;

  /** Returns the reply to send instead of the host's, once. */
  function takeReply(): object | undefined {
    const reply = nextReply;
    nextReply = undefined;
    return reply;
  }

  beforeEach(async () => {
    fixture = await HostFixture.open();
    // Renders the same prompt for all messages: the start of the chain.
    const metadata = { 'tokenizer.chat_template': string('{{ bos_token }}') };
    const files = {
      'story.gguf': markovModel({ metadata }),
      'long.gguf': markovModel({ chain: ENDLESS, contextLength: 32_768, metadata }),
    };
    hub = fixture.use(await startHub({ repos: { 'tabagent/markov-gguf': { files } } }));
    hosts = [];
    clock = new ManualClock();
    isInstalled = true;
    badges = [];
    notified = [];
    nextReply = undefined;
    worker = newWorker();
  });
  afterEach(() => fixture.close());

  function newWorker(version = '0.1.0'): Worker {
    return new Worker({
      connect: () => {
        if (!isInstalled) return deadPort();
        const host = fixture.host({ env: { HF_ENDPOINT: hub.url } });
        hosts.push(host);
        return portOf(host, takeReply);
      },
      reasonOf: () => (isInstalled ? 'Native host has exited.' : 'Specified native messaging host not found.'),
      clock,
      version,
      program: 'Firefox',
      showBadge: (text) => badges.push(text),
      notify: (task) => notified.push(task),
    });
  }

  async function openPage(at = worker): Promise<TestPage> {
    const page = new TestPage();
    at.accept(page.port);
    await page.waitFor(isState('connected'));
    return page;
  }

  async function ask(page: TestPage, id: number, action: string, fields: object = {}): Promise<ToPage> {
    page.send({ kind: 'request', id, action, fields });
    return page.waitFor(isAnswer(id));
  }

  it('starts one host for all pages, and returns each page its own replies', async () => {
    const [one, two] = await Promise.all([openPage(), openPage()]);
    const [pong, models] = await Promise.all([ask(one, 1, 'PING'), ask(two, 1, 'GET_DOWNLOADED_MODELS')]);
    expect(hosts).toHaveLength(1);
    expect(pong).toMatchObject({ kind: 'reply', payload: { pid: hosts[0]?.pid } });
    expect(models).toMatchObject({ kind: 'reply', payload: { models: [] } });
    expect(one.received.filter(isAnswer(1))).toHaveLength(1);
  });

  it('delivers errors with their codes, and rejects unknown actions', async () => {
    const page = await openPage();
    expect(await ask(page, 1, 'UNLOAD_MODEL', { modelId: STORY.modelPath })).toMatchObject({
      kind: 'error',
      code: 'MODEL_NOT_LOADED',
      details: { modelId: STORY.modelPath },
    });
    expect(await ask(page, 2, 'NO_SUCH_ACTION')).toMatchObject({ kind: 'error', code: 'UNKNOWN_ACTION' });
  });

  it('reports downloads and changes to every page', async () => {
    const [one, two] = await Promise.all([openPage(), openPage()]);
    expect(await ask(one, 1, 'LOAD_MODEL', STORY)).toMatchObject({ kind: 'reply' });
    await two.waitFor(isEvent('modelWorkerLoadingProgress'));
    await two.waitFor((message) => message.kind === 'changed' && message.action === 'LOAD_MODEL');
  });

  it('shows the progress of downloads on the badge until they end', async () => {
    const page = await openPage();
    await ask(page, 1, 'DOWNLOAD_MODEL', STORY);
    expect(badges.at(0)).toMatch(/^\d+%$/);
    expect(badges.at(-1)).toBe('');
    expect(badges).toContain('100%');
  });

  it('notifies the user when a long download has ended and no page is open', async () => {
    const page = await openPage();
    page.send({ kind: 'request', id: 1, action: 'DOWNLOAD_MODEL', fields: STORY });
    page.close();
    clock.advance(30_000);
    await page.waitFor(isAnswer(1));
    expect(notified).toEqual([{ message: 'notifyDownloaded', name: 'story' }]);
  });

  it('does not notify the user while a page is open', async () => {
    const page = await openPage();
    page.send({ kind: 'request', id: 1, action: 'DOWNLOAD_MODEL', fields: STORY });
    clock.advance(30_000);
    await page.waitFor(isAnswer(1));
    expect(notified).toEqual([]);
  });

  it('shows an answer of a conversation in every page while it is generated', async () => {
    const [one, two] = await Promise.all([openPage(), openPage()]);
    await ask(one, 1, 'LOAD_MODEL', STORY);
    const fields = { chat_id: 'c1', message: 'Tell.', settings: { do_sample: false } };
    const reply = await ask(one, 2, 'GENERATE', fields);
    const events = two.received.flatMap((message) => (message.kind === 'event' ? [message.event] : []));
    const changes = events.filter(({ type }) => type === 'conversationChanged');
    expect(changes).toMatchObject([
      { payload: { conversation_id: 'c1', kind: 'created' } },
      { payload: { conversation_id: 'c1', kind: 'messages' } },
    ]);
    const text = events.map((event) => (event.type === 'generationUpdate' ? event.payload.token : '')).join('');
    expect(text).not.toBe('');
    expect(reply).toMatchObject({ payload: { output: text } });
  });

  it('does not show pages a generation outside of a conversation', async () => {
    const [one, two] = await Promise.all([openPage(), openPage()]);
    await ask(one, 1, 'LOAD_MODEL', STORY);
    await ask(one, 2, 'GENERATE', { prompt: '', settings: { do_sample: false } });
    expect([...one.received, ...two.received].filter(isEvent('generationUpdate'))).toEqual([]);
  });

  it('continues an answer when its page is closed, and shows it to the next page, which can stop it', async () => {
    const [one, two] = await Promise.all([openPage(), openPage()]);
    await ask(one, 1, 'LOAD_MODEL', LONG);
    const fields = { chat_id: 'c1', message: 'Tick?', settings: WITHOUT_END };
    one.send({ kind: 'request', id: 2, action: 'GENERATE', fields });
    await two.waitFor(isEvent('generationUpdate'));
    one.close();
    const three = await openPage();
    expect(await ask(three, 1, 'GET_ACTIVE_GENERATIONS')).toMatchObject({
      payload: { generations: [{ conversation_id: 'c1', text: expect.stringContaining('tick') }] },
    });
    await three.waitFor(isEvent('generationUpdate'));
    three.send({ kind: 'stop', conversationId: 'c1' });
    await three.waitFor(isEvent('conversationChanged'));
    expect(await ask(three, 2, 'GET_CONVERSATION', { id: 'c1' })).toMatchObject({
      payload: {
        messages: [{ role: 'user' }, { status: 'stopped', content: expect.stringContaining('tick') }],
      },
    });
  });

  it('replaces a host that was updated while it was running, and repeats the request', async () => {
    const page = await openPage();
    const [first] = hosts;
    // The reply of a packaged host whose files were replaced.
    nextReply = { status: 'error', code: 'HOST_UPDATED', message: 'The host was updated.' };
    expect(await ask(page, 1, 'GET_DOWNLOADED_MODELS')).toMatchObject({ kind: 'reply', payload: { models: [] } });
    expect(await first?.exited).toEqual({ code: 0, signal: null });
    expect(hosts).toHaveLength(2);
    await page.waitFor(isState('closed'));
  });

  it('reports why there is no host, retries with increasing delays, and connects once it is installed', async () => {
    isInstalled = false;
    const page = new TestPage();
    worker.accept(page.port);
    expect(await page.waitFor(isState('failed'))).toMatchObject({ state: { problem: { kind: 'notInstalled' } } });
    expect(await ask(page, 1, 'PING')).toMatchObject({
      code: 'HOST_DISCONNECTED',
      details: { problem: 'notInstalled' },
    });
    for (const delay of [1_000, 2_000, 4_000, 8_000, 8_000]) {
      await clock.waitForTimer(delay);
      clock.advance(delay);
    }
    isInstalled = true;
    await clock.waitForTimer(8_000);
    clock.advance(8_000);
    await page.waitFor(isState('connected'));
    expect(await ask(page, 2, 'PING')).toMatchObject({ kind: 'reply' });
  });

  it('does not retry without an open page, and retries immediately when the user asks', async () => {
    isInstalled = false;
    const page = new TestPage();
    worker.accept(page.port);
    await page.waitFor(isState('failed'));
    isInstalled = true;
    page.send({ kind: 'retry' });
    await page.waitFor(isState('connected'));
    await hosts[0]?.kill();
    await clock.waitForTimer(500);
    page.close();
    clock.advance(500);
    expect(hosts).toHaveLength(1);
  });

  it('restarts a killed host and resumes its download', async () => {
    const page = await openPage();
    hub.fault({ kind: 'stall', after: 100, match: ({ server }) => server === 'cdn' });
    page.send({ kind: 'request', id: 1, action: 'DOWNLOAD_MODEL', fields: STORY });
    await page.waitFor(isEvent('MODEL_DOWNLOAD_PROGRESS'));
    await hosts[0]?.kill();
    hub.clearFaults();
    expect(await page.waitFor(isAnswer(1))).toMatchObject({ kind: 'error', code: 'HOST_DISCONNECTED' });
    expect(await page.waitFor(isState('failed'))).toMatchObject({ state: { problem: { kind: 'stopped' } } });
    await clock.waitForTimer(500);
    clock.advance(500);
    await page.waitFor(({ kind, ...message }) => kind === 'changed' && 'action' in message && hosts.length === 2);
    await page.waitFor((message) => isEvent('MODEL_DOWNLOAD_PROGRESS')(message) && percentOf(message) === 100);
    // The first one is of the interrupted request.
    const ended = (message: ToPage) => message.kind === 'changed' && message.action === 'DOWNLOAD_MODEL';
    await page.waitFor(() => page.received.filter(ended).length === 2);
    expect(await ask(page, 2, 'GET_DOWNLOADED_MODELS')).toMatchObject({
      payload: { models: [{ id: STORY.modelPath }] },
    });
  });

  it('keeps no state: a new worker shows what is on the disk', async () => {
    const page = await openPage();
    await ask(page, 1, 'DOWNLOAD_MODEL', STORY);
    const again = await openPage(newWorker());
    expect(await ask(again, 1, 'GET_DOWNLOADED_MODELS')).toMatchObject({
      payload: { models: [{ id: STORY.modelPath }] },
    });
  });

  it('reports which side is outdated, and sends nothing else', async () => {
    worker = newWorker('0.0.9');
    const page = new TestPage();
    worker.accept(page.port);
    const failed = await page.waitFor(isState('failed'));
    expect(failed).toMatchObject({
      state: { problem: { kind: 'extensionOutdated', reason: expect.stringContaining('0.0.9') } },
    });
    expect(await ask(page, 1, 'GET_DOWNLOADED_MODELS')).toMatchObject({ details: { problem: 'extensionOutdated' } });
  });

  it('reports a host that does not reply', async () => {
    worker = new Worker({
      connect: () => ({ ...deadPort(), onDisconnect: { addListener() {} } }),
      reasonOf: () => undefined,
      clock,
      version: '0.1.0',
      program: 'Firefox',
      showBadge: () => {},
      notify: () => {},
    });
    const page = new TestPage();
    worker.accept(page.port);
    await clock.waitForTimer(15_000);
    clock.advance(15_000);
    expect(await page.waitFor(isState('failed'))).toMatchObject({ state: { problem: { kind: 'silent' } } });
  });

  it('ignores messages from other pages', async () => {
    const page = await openPage();
    for (const message of [
      null,
      'PING',
      { kind: 'request' },
      { kind: 'request', id: 'x', action: 'PING' },
      { id: 1 },
    ]) {
      page.send(message);
    }
    expect(await ask(page, 1, 'PING')).toMatchObject({ kind: 'reply' });
    expect(page.received.filter(({ kind }) => kind === 'error')).toEqual([]);
  });
});

function percentOf(message: ToPage): number | undefined {
  if (message.kind !== 'event' || message.event.type !== 'MODEL_DOWNLOAD_PROGRESS') return undefined;
  return message.event.payload.progress;
}
