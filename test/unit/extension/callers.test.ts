import { beforeEach, describe, expect, it } from '@jest/globals';
import { ACCESS, type CallerEntry, USAGE } from '../../../extension/web-ai/access.ts';
import { MAX_PENDING } from '../../../extension/web-ai/names.ts';
import { AccessStore } from '../../../extension/worker/callers/access-store.ts';
import { Callers, MAX_CONNECTIONS, MAX_GENERATION_MS } from '../../../extension/worker/callers/callers.ts';
import { FakeCaller } from '../../support/extension/fake-caller.ts';
import { FakeCallerHost, hostError } from '../../support/extension/fake-caller-host.ts';
import { ManualClock } from '../../support/extension/manual-clock.ts';

const SITE = 'https://a.test';
const OTHER = 'https://b.test';
const HELLO = { messages: [{ role: 'user', content: 'Hello' }] };

const entry = (id: string, more: Partial<CallerEntry> = {}): CallerEntry => ({
  kind: 'site',
  id,
  state: 'allowed',
  model: null,
  ...more,
});

describe('the callers', () => {
  let host: FakeCallerHost;
  let stored: Record<string, unknown>;
  let store: AccessStore;
  let clock: ManualClock;
  let callers: Callers;

  beforeEach(() => {
    host = new FakeCallerHost();
    clock = new ManualClock();
    stored = { [ACCESS]: { callers: [entry(SITE), entry(OTHER)], keepsNative: false } };
    const storage = {
      get: async (key: string) => ({ [key]: structuredClone(stored[key]) }),
      set: async (items: object) => void Object.assign(stored, structuredClone(items)),
    };
    store = new AccessStore(storage, () => new Date(2026, 5, 22).getTime());
    const detect = async () => ({ languages: [{ language: 'de', confidence: 0.9 }] });
    callers = new Callers({ host, store, clock, detect });
  });

  function site(origin = SITE, sender: object = { frameId: 0 }): FakeCaller {
    const caller = new FakeCaller();
    callers.acceptSite(caller.port, { origin, ...sender });
    return caller;
  }

  /** Changes what the user has decided, as a page does. */
  function decide(list: readonly CallerEntry[]): void {
    store.changed({ callers: list, keepsNative: false });
    callers.accessChanged();
  }

  const actions = () => host.requests.map(({ action }) => action);
  const generated = () => host.requests.filter(({ action }) => action === 'GENERATE');

  it('receive streamed answers, and no information about the model', async () => {
    const caller = site();
    const done = await caller.request('prompt', HELLO);
    expect(caller.received.map(({ kind }) => kind)).toEqual(['fitted', 'chunk', 'done']);
    expect(done).toMatchObject({ result: { text: 'Hi.', finish: 'stop', tokens: 5, toolCalls: [] } });
    expect(JSON.stringify(caller.received)).not.toContain('model');
    expect(generated()[0]?.fields).toMatchObject({
      modelPath: 'model',
      messages: [{ role: 'user', content: 'Hello' }],
      context_overflow: 'error',
      settings: { reasoning: 'off', max_new_tokens: 393 },
    });
    expect(stored[USAGE]).toEqual({ day: '2026-06-22', callers: { [SITE]: { requests: 1, tokens: 13 } } });
  });

  it('are told about errors only whether their request caused them', async () => {
    const caller = site();
    const failWith = async (code: string, details: Record<string, unknown>) => {
      host.failing = { action: 'GENERATE', error: hostError(code, details) };
      return caller.request('prompt', HELLO);
    };
    expect(await failWith('ENGINE_CRASHED', { file: '/home/me' })).toMatchObject({ name: 'UnknownError' });
    expect(await failWith('CONTEXT_OVERFLOW', {})).toMatchObject({ name: 'QuotaExceededError' });
    expect(await failWith('INVALID_REQUEST', { field: 'settings.json_schema.type', expected: 'a type' })).toMatchObject(
      {
        name: 'NotSupportedError',
        message: expect.stringContaining('a type'),
      },
    );
    expect(await failWith('INVALID_REQUEST', { field: 'settings.constraint_prefix' })).toMatchObject({
      name: 'NotSupportedError',
    });
    expect(await failWith('CHAT_TEMPLATE_FAILED', {})).toMatchObject({ name: 'NotSupportedError' });
    expect(JSON.stringify(caller.received)).not.toContain('/home');
  });

  it('cannot pass arbitrary fields to the host', async () => {
    const caller = site();
    await caller.request('prompt', {
      messages: [{ role: 'user', content: 'x', modelPath: 'y', chat_id: 'z' }],
      modelPath: 'secret',
      chat_id: 'mine',
      action: 'DELETE_MODEL',
      settings: { chat_template: 'x' },
    });
    const { fields } = generated()[0] ?? {};
    expect(Object.keys(fields).sort()).toEqual(['context_overflow', 'messages', 'modelPath', 'settings']);
    expect(fields.modelPath).toBe('model');
    expect(fields.messages).toEqual([{ role: 'user', content: 'x' }]);
    expect(Object.keys(fields.settings).sort()).toEqual(['max_new_tokens', 'reasoning']);
  });

  it('can pass tools, calls, results, constraints and the sampling mode', async () => {
    const caller = site();
    await caller.request('prompt', {
      messages: [
        { role: 'user', content: 'x' },
        { role: 'assistant', content: '', toolCalls: [{ id: '1', name: 'f', arguments: '{}' }] },
        { role: 'tool', callId: '1', name: 'f', content: 'y' },
      ],
      tools: [{ name: 'f', description: 'd', inputSchema: { type: 'object' } }],
      sampling: 'most-predictable',
      constraint: { schema: { type: 'string' } },
    });
    expect(generated()[0]?.fields).toMatchObject({
      messages: [
        { role: 'user', content: 'x' },
        {
          role: 'assistant',
          content: '',
          tool_calls: [{ id: '1', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: '1', name: 'f', content: 'y' },
      ],
      tools: [{ type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' } } }],
      settings: { do_sample: false, json_schema: { type: 'string' } },
    });
    const withPrefix = [...HELLO.messages, { role: 'assistant', content: 'ye' }];
    await caller.request('prompt', { messages: withPrefix, continues: true, constraint: { regex: 'yes', flags: 'i' } });
    expect(generated()[1]?.fields).toMatchObject({
      continue: true,
      settings: { regex: 'yes', regex_flags: 'i', constraint_prefix: 'ye' },
    });
  });

  it('cannot constrain an answer whose prefix is longer than the host accepts', async () => {
    host.contextSize = 20_000;
    const messages = [...HELLO.messages, { role: 'assistant', content: 'x'.repeat(4_097) }];
    const answer = await site().request('prompt', { messages, continues: true, constraint: { regex: 'x*' } });
    expect(answer).toMatchObject({ name: 'NotSupportedError', message: expect.stringContaining('4096') });
    expect(generated()).toEqual([]);
  });

  describe('are rejected', () => {
    it.each([
      ['a site that is not allowed', { origin: 'https://c.test', frameId: 0 }],
      ['the same host with another port', { origin: 'https://a.test:8443', frameId: 0 }],
      ['a page over plain HTTP', { origin: 'http://a.test', frameId: 0 }],
      ['a sandboxed frame', { origin: 'null', frameId: 0, url: SITE, tab: { url: SITE } }],
      ['a document without an origin', { frameId: 0, url: SITE }],
      ['a frame in a page whose address is not known', { origin: SITE, frameId: 3, tab: {} }],
      ['a frame in a page that is not allowed', { origin: SITE, frameId: 3, tab: { url: 'https://c.test/' } }],
      ['a frame that is not allowed in a page that is', { origin: 'https://c.test', frameId: 3, tab: { url: SITE } }],
    ])('%s', async (_what, sender) => {
      const caller = new FakeCaller();
      callers.acceptSite(caller.port, sender);
      expect(await caller.request('prompt', HELLO)).toMatchObject({ kind: 'error', name: 'NotAllowedError' });
      expect(await caller.request('availability')).toMatchObject({ result: { availability: 'unavailable' } });
      expect(host.requests).toEqual([]);
    });

    it('but not if they are frames of allowed sites in allowed pages', async () => {
      const caller = site(OTHER, { frameId: 7, tab: { url: `${SITE}/path` } });
      expect(await caller.request('prompt', HELLO)).toMatchObject({ kind: 'done' });
    });

    it('when the user revokes the permission, even during an answer', async () => {
      host.waits = true;
      const caller = site();
      const id = caller.start('prompt', HELLO);
      await caller.waitFor(({ kind }) => kind === 'chunk');
      decide([entry(OTHER)]);
      expect(await caller.endOf(id)).toMatchObject({ name: 'NotAllowedError' });
      expect(actions()).toContain('STOP_GENERATION');
      expect(await caller.request('prompt', HELLO)).toMatchObject({ name: 'NotAllowedError' });
      expect(host.running).toBe(0);
      decide([entry(SITE)]);
      host.waits = false;
      expect(await caller.request('prompt', HELLO)).toMatchObject({ kind: 'done' });
    });
  });

  describe('are limited', () => {
    it.each<[string, unknown]>([
      ['nothing', undefined],
      ['text', 'prompt'],
      ['no id', { verb: 'prompt' }],
      ['half an id', { id: 1.5, verb: 'prompt' }],
      ['a negative id', { id: -1, verb: 'prompt' }],
    ])('%s is ignored', (_what, message) => {
      const caller = site();
      caller.send(message);
      expect(caller.received).toEqual([]);
    });

    it.each<[string, object, string]>([
      ['an unknown verb', { verb: 'GENERATE' }, 'DataError'],
      ['no messages', { messages: {} }, 'DataError'],
      ['a message without text', { messages: [{ role: 'user' }] }, 'DataError'],
      ['an unknown role', { messages: [{ role: 'root', content: '' }] }, 'DataError'],
      ['a negative number of tokens', { messages: [{ role: 'user', content: 'x', tokens: -1 }] }, 'DataError'],
      ['more pinned messages than there are', { ...HELLO, pinned: 2 }, 'DataError'],
      ['a mode from the prototype', { ...HELLO, sampling: 'toString' }, 'DataError'],
      ['a tool without a schema', { ...HELLO, tools: [{ name: 'f', description: 'd' }] }, 'DataError'],
      ['too many messages', { messages: Array.from({ length: 1_001 }, () => HELLO.messages[0]) }, 'QuotaExceededError'],
      [
        'too much text',
        {
          messages: [
            { role: 'user', content: 'x'.repeat(600_000) },
            { role: 'user', content: 'x'.repeat(600_000) },
          ],
        },
        'QuotaExceededError',
      ],
      ['too many tools', { ...HELLO, tools: Array.from({ length: 65 }, () => ({})) }, 'QuotaExceededError'],
      [
        'too large a tool',
        { ...HELLO, tools: [{ name: 'f', description: 'x'.repeat(70_000), inputSchema: {} }] },
        'QuotaExceededError',
      ],
      ['too large a schema', { ...HELLO, constraint: { schema: { a: 'x'.repeat(70_000) } } }, 'NotSupportedError'],
      ['too long a regular expression', { ...HELLO, constraint: { regex: 'x'.repeat(5_000) } }, 'QuotaExceededError'],
    ])('%s never reaches the host', async (_what, fields, name) => {
      const caller = site();
      expect(await caller.request('prompt', fields)).toMatchObject({ kind: 'error', name });
      expect(host.requests).toEqual([]);
    });

    it('to one answer at a time per site, over all its documents', async () => {
      host.waits = true;
      const [one, two] = [site(), site()];
      const first = one.start('prompt', HELLO);
      await one.waitFor(({ kind }) => kind === 'chunk');
      const second = two.start('prompt', HELLO);
      // Counting does not wait for answers.
      expect(await two.request('measure', HELLO)).toMatchObject({ result: { tokens: [7] } });
      expect(host.running).toBe(1);
      const other = site(OTHER);
      other.start('prompt', HELLO);
      await other.waitFor(({ kind }) => kind === 'chunk');
      expect(host.running).toBe(2);
      host.finish();
      await one.endOf(first);
      await two.waitFor(({ kind }) => kind === 'chunk');
      two.send({ id: second, verb: 'stop' });
      expect(await two.endOf(second)).toMatchObject({ name: 'AbortError' });
    });

    it('in the number of requests and connections', async () => {
      host.waits = true;
      const flood = site();
      const ids = Array.from({ length: MAX_PENDING + 5 }, () => flood.start('prompt', HELLO));
      expect(await flood.endOf(ids.at(-1) as number)).toMatchObject({ name: 'OperationError' });
      await flood.waitFor(({ kind }) => kind === 'chunk');
      expect(generated()).toHaveLength(1);
      const many = Array.from({ length: MAX_CONNECTIONS + 1 }, () => site(OTHER));
      expect(many.filter(({ isDisconnected }) => isDisconnected)).toHaveLength(2 - 1);
      many[0]?.close();
      expect(site(OTHER).isDisconnected).toBe(false);
    });

    it('in the duration of an answer', async () => {
      host.waits = true;
      const caller = site();
      const id = caller.start('prompt', HELLO);
      await caller.waitFor(({ kind }) => kind === 'chunk');
      clock.advance(MAX_GENERATION_MS);
      expect(await caller.endOf(id)).toMatchObject({ name: 'TimeoutError' });
      expect(host.running).toBe(0);
    });

    it('when their document closes: running requests are stopped, and waiting ones never start', async () => {
      host.waits = true;
      const caller = site();
      caller.start('prompt', HELLO);
      caller.start('prompt', HELLO);
      await caller.waitFor(({ kind }) => kind === 'chunk');
      caller.close();
      const next = site();
      next.start('prompt', HELLO);
      await next.waitFor(({ kind }) => kind === 'chunk');
      expect(generated()).toHaveLength(2);
    });
  });

  describe('with a full context window', () => {
    const messages = (...tokens: number[]) =>
      tokens.map((count, index) => ({
        role: index % 2 === 0 ? 'user' : 'assistant',
        content: `m${index}`,
        tokens: count,
      }));

    it('lose the oldest pairs, but neither pinned nor new messages', async () => {
      const caller = site();
      const done = await caller.request('append', { messages: messages(100, 60, 60, 60, 60), pinned: 1, fresh: 1 });
      expect(done).toMatchObject({ result: { evicted: 1, tokens: [100, 60, 60, 60], contextWindow: 300 } });
      await caller.request('prompt', { messages: messages(100, 60, 60, 60, 60), pinned: 0, fresh: 1 });
      expect(generated()[0]?.fields.messages.map(({ content }: { content: string }) => content)).toEqual([
        'm2',
        'm3',
        'm4',
      ]);
    });

    it('are told by how much they exceed it', async () => {
      const caller = site();
      const tooMuch = { name: 'QuotaExceededError', requested: 301, quota: 300 };
      expect(await caller.request('prompt', { messages: messages(1, 301), fresh: 1 })).toMatchObject(tooMuch);
      expect(await caller.request('create', { messages: messages(301), pinned: 1, fresh: 0 })).toMatchObject(tooMuch);
      expect(generated()).toEqual([]);
    });

    it('get at most 8,192 tokens of a long context', async () => {
      host.contextSize = 100_000;
      expect(await site().request('create')).toMatchObject({ result: { contextWindow: 8_192 } });
    });
  });

  describe('models', () => {
    it('can be the active one, the last used one, or that of the site', async () => {
      const caller = site();
      await caller.request('prompt', HELLO);
      host.current = null;
      host.loaded = [];
      expect(await caller.request('availability')).toMatchObject({ result: { availability: 'available' } });
      await caller.request('prompt', HELLO);
      expect(host.requests.find(({ action }) => action === 'LOAD_MODEL')?.fields.modelPath).toBe('model');
      decide([entry(SITE, { model: 'other' })]);
      await caller.request('prompt', HELLO);
      expect(generated().at(-1)?.fields.modelPath).toBe('other');
    });

    it('are unavailable if there are none', async () => {
      host.current = null;
      const caller = site();
      expect(await caller.request('availability')).toMatchObject({ result: { availability: 'unavailable' } });
      expect(await caller.request('create')).toMatchObject({ name: 'NotSupportedError' });
      expect(await caller.request('detect', { text: 'Wie geht es?' })).toMatchObject({
        result: { languages: [{ language: 'de' }] },
      });
    });

    it('are reported as available, and languages are detected, while one is being loaded', async () => {
      decide([entry(SITE, { model: 'other' })]);
      const { promise, resolve } = Promise.withResolvers<void>();
      host.loading = promise;
      const caller = site();
      const created = caller.request('create');
      while (!actions().includes('LOAD_MODEL')) await new Promise((done) => setImmediate(done));
      expect(await caller.request('availability')).toMatchObject({ result: { availability: 'available' } });
      expect(await caller.request('detect', { text: 'Hallo' })).toMatchObject({ kind: 'done' });
      resolve();
      expect(await created).toMatchObject({ kind: 'done' });
    });

    it("are downloaded only after user activation, with the host's progress", async () => {
      decide([entry(SITE, { model: 'absent' })]);
      const caller = site();
      expect(await caller.request('availability')).toMatchObject({ result: { availability: 'downloadable' } });
      expect(await caller.request('create')).toMatchObject({ name: 'NotAllowedError' });
      expect(actions()).not.toContain('DOWNLOAD_MODEL');
      const id = caller.start('create', { isActivated: true });
      expect(await caller.endOf(id)).toMatchObject({ kind: 'done' });
      const progress = caller.received.flatMap((message) => (message.kind === 'progress' ? [message.loaded] : []));
      expect(progress.map((share) => Math.round(share * 100))).toEqual([45, 95]);
      expect(await caller.request('availability')).toMatchObject({ result: { availability: 'available' } });
    });
  });

  describe('from other extensions', () => {
    const extension = (id: string) => {
      const caller = new FakeCaller();
      callers.acceptExtension(caller.port, id);
      return caller;
    };

    it('ask once, and are accepted when the user allows it', async () => {
      const caller = extension('abc');
      expect(await caller.request('prompt', HELLO)).toMatchObject({ name: 'NotAllowedError' });
      extension('abc');
      await store.load();
      const asked = store.access.callers.filter(({ state }) => state === 'asked');
      expect(asked).toEqual([{ kind: 'extension', id: 'abc', state: 'asked', model: null }]);
      decide([entry('abc', { kind: 'extension', state: 'denied' })]);
      expect(await caller.request('prompt', HELLO)).toMatchObject({ name: 'NotAllowedError' });
      decide([entry('abc', { kind: 'extension' })]);
      expect(await caller.request('prompt', HELLO)).toMatchObject({ kind: 'done' });
    });

    it('are not confused with sites of the same name', async () => {
      decide([entry('abc')]);
      expect(await extension('abc').request('prompt', HELLO)).toMatchObject({ name: 'NotAllowedError' });
    });

    it('cannot fill the list', async () => {
      for (let index = 0; index < 50; index += 1) await extension(`x${index}`).request('availability');
      expect(store.access.callers.filter(({ kind }) => kind === 'extension')).toHaveLength(10);
    });
  });

  it('are shown in pages of the extension, which can stop them', async () => {
    host.waits = true;
    const page = new FakeCaller();
    callers.acceptPage(page.port);
    const caller = site();
    const id = caller.start('prompt', HELLO);
    await caller.waitFor(({ kind }) => kind === 'chunk');
    expect(page.received.at(-1)).toEqual({ kind: 'running', callers: [`site:${SITE}`] });
    page.send({ kind: 'stop', caller: { kind: 'site', id: SITE } });
    expect(await caller.endOf(id)).toMatchObject({ name: 'AbortError' });
    await page.waitFor(
      (message) => (message as unknown as { callers: string[] }).callers.length === 0 && page.received.length > 2,
    );
    expect(host.running).toBe(0);
  });
});
