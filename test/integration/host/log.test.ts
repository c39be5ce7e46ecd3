import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { markovModel, START } from '../../support/gguf/markov-model.ts';
import { string } from '../../support/gguf/write-gguf.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { startHub } from '../../support/hub/hub.ts';

const REPO = 'tabagent/canary-gguf';
const GOOD = `${REPO}/canary.gguf`;
const PICKY = `${REPO}/picky.gguf`;
const SETTINGS = { n_gpu_layers: 0, n_ctx: 256, n_threads: 1 };

/** Secrets that no log may contain. */
const TOKEN = ['hf', 'CanaryTokenCanaryToken'].join('_');
const PROMPT = 'promptcanary';
const REPLY = 'replycanary';

describe('the log of a host', () => {
  let fixture: HostFixture;
  beforeEach(async () => {
    fixture = await HostFixture.open();
  });
  afterEach(() => fixture.close());

  it('contains no token, prompt or reply after success and failure, and has the request of each line', async () => {
    const chain = { [START]: { [PROMPT]: 1 }, [PROMPT]: { [REPLY]: 1 }, [REPLY]: { '': 1 } };
    const template = (text: string) => ({ 'tokenizer.chat_template': string(text) });
    const files = {
      'canary.gguf': markovModel({ chain, metadata: template("{{ messages[-1]['content'] }}") }),
      'picky.gguf': markovModel({ chain, metadata: template("{{ raise_exception(messages[-1]['content']) }}") }),
    };
    const hub = fixture.use(await startHub({ repos: { [REPO]: { files, gated: true } }, token: TOKEN }));
    const env = { HF_ENDPOINT: hub.url, HF_TOKEN: TOKEN, TABAGENT_DEBUG: '1' };
    const host = fixture.host({ env });

    for (const modelId of [GOOD, PICKY]) {
      expect(await host.request('LOAD_MODEL', { modelId, settings: SETTINGS })).toMatchObject({ status: 'success' });
    }
    const messages = [{ role: 'user', content: PROMPT }];
    const told = await host.request('GENERATE', { modelId: GOOD, messages, settings: { temperature: 0 } });
    expect(told.payload.output.trim()).toBe(REPLY);
    expect(hub.requests.some(({ authorization }) => authorization === `Bearer ${TOKEN}`)).toBe(true);

    // Failing requests, each with a secret.
    const refused = await host.request('GENERATE', { modelId: PICKY, messages });
    expect(refused).toMatchObject({ status: 'error', code: 'CHAT_TEMPLATE_FAILED' });
    await host.request('GENERATE', { modelId: GOOD, messages: { content: PROMPT } });
    await host.request('GENERATE', { modelId: GOOD, prompt: PROMPT.repeat(1000) });
    await host.request('GENERATE', { modelId: 'a/b/none.gguf', messages });
    await host.request('DOWNLOAD_MODEL', { modelId: `${REPO}/none.gguf` });
    const body = Buffer.from(`{"action": "GENERATE", "prompt": "${PROMPT}`);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(body.length);
    const broken = host.next((message) => message.code === 'INVALID_JSON');
    host.child.stdin.write(Buffer.concat([length, body]));
    await broken;
    await host.close();

    const folder = join(fixture.home, 'logs');
    const texts = await Promise.all((await readdir(folder)).map((file) => readFile(join(folder, file), 'utf8')));
    const text = texts.join('') + host.stderr;
    for (const canary of [TOKEN, PROMPT, REPLY]) expect(text).not.toContain(canary);

    const lines = texts
      .join('')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const loaded = lines.find(({ event }) => event === 'engine.loaded');
    expect(loaded).toMatchObject({ action: 'LOAD_MODEL', requestId: 'request-1', request: 1, pid: expect.anything() });
    const refusal = lines.find(({ code }) => code === 'CHAT_TEMPLATE_FAILED');
    expect(refusal).toMatchObject({ event: 'request.failed', action: 'GENERATE', requestId: refused.requestId });
  });
});
