import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { string } from '../../support/gguf/write-gguf.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess } from '../../support/host/host-process.ts';
import { payloadOf } from '../../support/host/payload-of.ts';
import { EngineWithFaults, streamed } from '../../support/remote/engine-with-faults.ts';

const REMOTE = 'remote/far/small';
const LOCAL = 'maker/story/story.gguf';
const TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}{{ '\\n' }}{% endfor %}";

/** A picture of 1 × 1 pixel, and larger data. */
const PIXEL = `data:image/png;base64,${Buffer.from('a picture').toString('base64')}`;
const LARGE = `data:image/jpeg;base64,${'A'.repeat(3_000_000)}`;
const question = (url: string) => [
  { type: 'text', text: 'What is this?' },
  { type: 'image_url', image_url: { url, detail: 'low' } },
];

let fixture: HostFixture;
let engine: EngineWithFaults;
let host: HostProcess;
beforeEach(async () => {
  fixture = await HostFixture.open();
  engine = fixture.use(await EngineWithFaults.start());
  writeFileSync(
    join(fixture.home, 'config.json'),
    JSON.stringify({ remoteEngines: [{ name: 'far', url: engine.url }] }),
    {
      mode: 0o600,
    },
  );
  const folder = join(fixture.home, 'models', 'maker', 'story');
  mkdirSync(folder, { recursive: true });
  const metadata = { 'tokenizer.chat_template': string(TEMPLATE) };
  writeFileSync(join(folder, 'story.gguf'), markovModel({ metadata, contextLength: 1024 }));
  host = fixture.host();
  payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { modelId: REMOTE }));
  const settings = { n_gpu_layers: 0, n_threads: 1, n_ctx: 1024 };
  payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { modelPath: LOCAL, settings }));
});
afterEach(() => fixture.close());

const sent = () => engine.generations.at(-1)?.body.messages;

describe('an image', () => {
  it.each([
    ['small', PIXEL],
    ['large', LARGE],
  ])('that is %s is passed to a remote engine as it is', async (_size, url) => {
    engine.next(streamed(['A cat.']));
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: question(url) },
    ];
    const reply = await host.request('GENERATE', { modelId: REMOTE, messages });
    expect(payloadOf('GENERATE', reply).output).toBe('A cat.');
    expect(reply.ignored).toBeUndefined();
    expect(sent()).toEqual(messages);
  });

  it('is rejected for a model on this computer, with the reason', async () => {
    const messages = [{ role: 'user', content: question(PIXEL) }];
    expect(await host.request('GENERATE', { modelId: LOCAL, messages })).toMatchObject({
      status: 'error',
      code: 'INVALID_REQUEST',
      message: expect.stringContaining('models on this computer cannot be given images yet'),
      details: { field: 'messages.0.content.1' },
    });
  });

  it('stays in its conversation, and a model on this computer gets a note in its place', async () => {
    engine.next(streamed(['A cat.']), streamed(['Black.']));
    const ask = (modelId: string, message: unknown) => host.request('GENERATE', { chat_id: 'talk', modelId, message });
    payloadOf('GENERATE', await ask(REMOTE, { role: 'user', content: question(PIXEL) }));
    payloadOf('GENERATE', await ask(REMOTE, 'What color?'));
    const history = [
      { role: 'user', content: question(PIXEL) },
      { role: 'assistant', content: 'A cat.' },
    ];
    expect(sent()).toEqual([...history, { role: 'user', content: 'What color?' }]);

    const settings = { max_new_tokens: 1 };
    const asked = { chat_id: 'talk', modelId: LOCAL, message: 'once', settings };
    const { usage } = payloadOf('GENERATE', await host.request('GENERATE', asked));
    const messages = [
      { role: 'user', content: 'What is this?[image]' },
      ...history.slice(1),
      { role: 'user', content: 'What color?' },
      { role: 'assistant', content: 'Black.' },
      { role: 'user', content: 'once' },
    ];
    const plain = payloadOf('GENERATE', await host.request('GENERATE', { modelId: LOCAL, messages, settings }));
    expect(usage.promptTokens).toBe(plain.usage.promptTokens);

    expect(await ask(LOCAL, { role: 'user', content: question(PIXEL) })).toMatchObject({ code: 'INVALID_REQUEST' });
    payloadOf('GENERATE', await host.request('GENERATE', asked));
  });
});
