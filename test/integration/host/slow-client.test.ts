import { PassThrough } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import nativeMessaging from 'chrome-native-messaging';
import { readConfig } from '../../../host/config.ts';
import { Host } from '../../../host/host.ts';
import { encodeFrame } from '../../../host/messaging/frame.ts';
import { Session } from '../../../host/session.ts';
import { ENDLESS } from '../../support/gguf/chains.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { HOST_MAIN, type Message } from '../../support/host/host-process.ts';
import { startHub } from '../../support/hub/hub.ts';

const REPO = 'tabagent/markov-gguf';
const MODEL = `${REPO}/endless.gguf`;

describe('a client that reads nothing while the host works', () => {
  let workshop: HostFixture;
  let host: Host;
  let session: Session;
  let input: PassThrough;
  let output: PassThrough;
  let replies: Map<string, Promise<unknown>>;

  beforeEach(async () => {
    workshop = await HostFixture.open();
    const files = { 'endless.gguf': markovModel({ chain: ENDLESS, contextLength: 2048 }) };
    const hub = workshop.use(await startHub({ repos: { [REPO]: { files } } }));
    const { home } = workshop;
    const config = readConfig({
      runnerEntry: pathToFileURL(HOST_MAIN),
      env: { PATH: process.env.PATH, HOME: home, TABAGENT_HOME: home, HF_ENDPOINT: hub.url, TABAGENT_KEYCHAIN: 'off' },
    });
    host = workshop.use(new Host(config));
    input = new PassThrough();
    output = new PassThrough({ highWaterMark: 1 });
    replies = new Map();
    session = new Session({
      input,
      output,
      log: host.log,
      limits: config.limits,
      handler: (message, call) => {
        const reply = host.handle(message, { ...call, client: 'browser' });
        replies.set(String(message.requestId), reply);
        return reply;
      },
    });
  });
  afterEach(async () => {
    output.resume();
    input.end();
    await session.finished;
    await workshop.close();
  });

  /** Sends a request, and resolves when the host has processed it. The reply waits for the client. */
  async function work(action: string, fields: object): Promise<void> {
    input.write(encodeFrame({ action, requestId: action, ...fields } as never));
    while (!replies.has(action)) await new Promise(setImmediate);
    await replies.get(action);
  }

  /** Reads all queued messages, up to the reply to `action`. */
  function readAll(action: string): Promise<Message[]> {
    const received: Message[] = [];
    const { promise, resolve } = Promise.withResolvers<Message[]>();
    output.pipe(new nativeMessaging.Input()).on('data', (message: Message) => {
      received.push(message);
      if ('status' in message && message.requestId === action) resolve(received);
    });
    return promise;
  }

  it('receives every generationUpdate, and the latest of the progress events', async () => {
    await work('DOWNLOAD_MODEL', { modelId: MODEL });
    await work('LOAD_MODEL', { modelId: MODEL, settings: { n_gpu_layers: 0, n_threads: 1, n_ctx: 1024 } });
    await work('GENERATE', { modelId: MODEL, prompt: '', settings: { do_sample: false, max_new_tokens: 500 } });
    const received = await readAll('GENERATE');

    const ofType = (type: string) => received.filter((message) => message.type === type);
    const updates = ofType('generationUpdate').map(({ payload }) => payload.token);
    expect(updates.length).toBeGreaterThan(1);
    expect(updates.join('')).toBe(received.at(-1)?.payload.output);
    expect(ofType('modelWorkerLoadingProgress').at(-1)?.payload).toMatchObject({ modelId: MODEL, status: 'done' });
    // The first event is sent before the output is blocked. Of all others, only the newest is queued.
    expect(ofType('modelWorkerLoadingProgress').length).toBeLessThanOrEqual(1);
    expect(ofType('MODEL_DOWNLOAD_PROGRESS').at(-1)?.payload).toMatchObject({ modelId: MODEL, progress: 100 });
  });
});
