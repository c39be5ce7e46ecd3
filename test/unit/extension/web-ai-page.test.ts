import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TabAgentClient } from '../../../extension/web-ai/client.ts';
import { install } from '../../../extension/web-ai/page/install.ts';
import { callResult, FakeTabAgent, textResult } from '../../support/extension/fake-tabagent.ts';

// biome-ignore lint/suspicious/noExplicitAny: pages call these interfaces without types.
type Any = any;

/** Node has no such event. */
class FakeProgressEvent extends Event {
  readonly total: number;
  readonly lengthComputable: boolean;

  constructor(type: string, { total = 0, lengthComputable = false } = {}) {
    super(type);
    this.total = total;
    this.lengthComputable = lengthComputable;
  }
}

const TOOL = { name: 'lookup', description: 'Looks things up.', inputSchema: { type: 'object', properties: {} } };
const WITH_TOOLS = {
  expectedInputs: [{ type: 'tool-call' }, { type: 'tool-response' }],
  expectedOutputs: [{ type: 'tool-call' }],
};

describe('the interfaces of a page', () => {
  let tabagent: FakeTabAgent;
  let page: Any;

  beforeEach(() => {
    tabagent = new FakeTabAgent();
    const document = { defaultView: {} as object | null };
    page = { document, DOMException };
    (globalThis as Any).ProgressEvent ??= FakeProgressEvent;
    install(page, { clientFor: () => new TabAgentClient(tabagent.connect), keepsNative: false });
  });
  afterEach(() => {
    if ((globalThis as Any).ProgressEvent === FakeProgressEvent) delete (globalThis as Any).ProgressEvent;
  });

  const sent = () => tabagent.received.filter(({ verb }) => verb === 'prompt') as Any[];
  const contents = (request: Any) => request.messages.map(({ role, content }: Any) => `${role}: ${content}`);

  it('have the shape of Web IDL interfaces', () => {
    expect(page.LanguageModel.name).toBe('LanguageModel');
    expect(Object.keys(page.LanguageModel)).toEqual(expect.arrayContaining(['create', 'availability']));
    expect(Object.prototype.toString.call(Object.create(page.Summarizer.prototype))).toBe('[object Summarizer]');
    for (const name of ['LanguageModel', 'Summarizer', 'Writer', 'Rewriter', 'Translator', 'LanguageDetector']) {
      expect(() => new page[name]()).toThrow(TypeError);
      expect(Object.getOwnPropertyDescriptor(page, name)?.enumerable).toBe(false);
    }
  });

  it('do not replace those of the browser if the user prefers them', () => {
    const native = class {};
    const other: Any = { document: page.document, LanguageModel: native };
    install(other, { clientFor: () => new TabAgentClient(tabagent.connect), keepsNative: true });
    expect(other.LanguageModel).toBe(native);
    expect(other.LanguageModelToolCall).toBeUndefined();
    expect(other.Summarizer.name).toBe('Summarizer');
  });

  it('reject in an inactive document', async () => {
    page.document.defaultView = null;
    await expect(page.LanguageModel.availability()).rejects.toMatchObject({ name: 'InvalidStateError' });
    await expect(page.Writer.create()).rejects.toMatchObject({ name: 'InvalidStateError' });
  });

  describe('LanguageModel.create()', () => {
    it('reports progress in steps, from 0 to 1, and not after it is aborted', async () => {
      const events: number[] = [];
      const monitor = (m: Any) => m.addEventListener('downloadprogress', (e: Any) => events.push(e.loaded));
      const create = page.LanguageModel.create({ monitor });
      await new Promise((resolve) => setTimeout(resolve));
      const { id } = tabagent.received.at(-1) as Any;
      tabagent.send({ id, kind: 'progress', loaded: 0.3333333 });
      tabagent.send({ id, kind: 'progress', loaded: 0.2 });
      await create;
      expect(events[0]).toBe(0);
      expect(events.at(-1)).toBe(1);
      expect(events.every((loaded, index) => index === 0 || loaded > (events[index - 1] as number))).toBe(true);
      expect(events.every((loaded) => Number.isInteger(loaded * 0x10000))).toBe(true);

      for (const at of [0, 1]) {
        const controller = new AbortController();
        const reason = new Error('enough');
        const stop = (m: Any) => {
          m.ondownloadprogress = (e: Any) => {
            if (e.loaded === at) queueMicrotask(() => controller.abort(reason));
          };
        };
        await expect(page.LanguageModel.create({ monitor: stop, signal: controller.signal })).rejects.toBe(reason);
      }
    });

    it('rejects with what the monitor throws', async () => {
      const reason = new Error('thrown');
      const monitor = () => {
        throw reason;
      };
      await expect(page.LanguageModel.create({ monitor })).rejects.toBe(reason);
    });

    it.each<[string, object, string]>([
      ['a type of input that does not exist', { expectedInputs: [{ type: 'soup' }] }, 'TypeError'],
      ['a type of input that is not supported', { expectedInputs: [{ type: 'image' }] }, 'NotSupportedError'],
      ['a type of output that is not supported', { expectedOutputs: [{ type: 'audio' }] }, 'NotSupportedError'],
      ['an invalid language', { expectedInputs: [{ type: 'text', languages: ['en-abc-invalid'] }] }, 'RangeError'],
      ['an unknown language', { expectedInputs: [{ type: 'text', languages: ['unk'] }] }, 'NotSupportedError'],
      ['an unknown sampling mode', { samplingMode: 'wild' }, 'TypeError'],
      [
        'a late system message',
        {
          initialPrompts: [
            { role: 'user', content: 'a' },
            { role: 'system', content: 'b' },
          ],
        },
        'TypeError',
      ],
      ['an unknown role', { initialPrompts: [{ role: 'tool', content: 'a' }] }, 'TypeError'],
      ['a message without content', { initialPrompts: [{ role: 'user' }] }, 'TypeError'],
      ['tools without the output type', { tools: [TOOL] }, 'TypeError'],
      ['tools with one name', { ...WITH_TOOLS, tools: [TOOL, TOOL] }, 'TypeError'],
      ['a tool without a name', { ...WITH_TOOLS, tools: [{ ...TOOL, name: '' }] }, 'TypeError'],
      ['a tool without a schema', { ...WITH_TOOLS, tools: [{ ...TOOL, inputSchema: {} }] }, 'TypeError'],
      ['a monitor that cannot be called', { monitor: 5 }, 'TypeError'],
      ['a signal that is none', { signal: {} }, 'TypeError'],
    ])('rejects %s', async (_what, options, name) => {
      await expect(page.LanguageModel.create(options)).rejects.toMatchObject({ name });
      expect(tabagent.received).toEqual([]);
    });

    it('copies the schema, and propagates errors of its getters', async () => {
      const circular: Any = { type: 'object' };
      circular.self = circular;
      await expect(
        page.LanguageModel.create({ ...WITH_TOOLS, tools: [{ ...TOOL, inputSchema: circular }] }),
      ).rejects.toThrow(TypeError);
      const throwing = {
        type: 'object',
        get extra() {
          throw new Error('from a getter');
        },
      };
      await expect(
        page.LanguageModel.create({ ...WITH_TOOLS, tools: [{ ...TOOL, inputSchema: throwing }] }),
      ).rejects.toThrow('from a getter');
    });

    it('returns the availability', async () => {
      await expect(page.LanguageModel.availability()).resolves.toBe('available');
      await expect(page.LanguageModel.availability({ expectedOutputs: [{ type: 'image' }] })).resolves.toBe(
        'unavailable',
      );
      await expect(
        page.LanguageModel.availability({ expectedInputs: [{ type: 'text', languages: ['unk'] }] }),
      ).resolves.toBe('unavailable');
      await expect(page.LanguageModel.availability({ expectedInputs: [{ type: 'soup' }] })).rejects.toThrow(TypeError);
    });
  });

  describe('a session', () => {
    it('sends the whole conversation with each prompt, and counts its tokens', async () => {
      const session = await page.LanguageModel.create({ initialPrompts: [{ role: 'system', content: 'Be kind.' }] });
      expect(session.contextUsage).toBe(8);
      expect(await session.prompt('Hello?')).toBe('Hi.');
      expect(session.contextUsage).toBe(8 + 6 + 3);
      await session.prompt([
        {
          role: 'user',
          content: [
            { type: 'text', value: 'And ' },
            { type: 'text', value: 'now?' },
          ],
        },
      ]);
      expect(contents(sent()[1])).toEqual(['system: Be kind.', 'user: Hello?', 'assistant: Hi.', 'user: And now?']);
      expect(sent()[1]).toMatchObject({ pinned: 1, fresh: 1, sampling: 'balanced' });
      expect(session.inputUsage).toBe(session.contextUsage);
      expect(session.inputQuota).toBe(100);
    });

    it.each([
      [null, 'null'],
      [undefined, 'undefined'],
      [{}, '[object Object]'],
      ['', ''],
      [[], ''],
      [[{ role: 'user', content: [] }], ''],
    ])('accepts %j as a prompt', async (input, text) => {
      const session = await page.LanguageModel.create();
      await session.prompt(input);
      expect(contents(sent()[0])).toEqual([`user: ${text}`]);
    });

    it('accepts initial prompts from an iterator, which can be read only once', async () => {
      const prompts = [{ role: 'system', content: 'Be kind.' }].values();
      const session = await page.LanguageModel.create({ initialPrompts: prompts });
      await session.prompt('Hello?');
      expect(contents(sent()[0])).toEqual(['system: Be kind.', 'user: Hello?']);
    });

    it('joins an answer with its prefix only', async () => {
      const session = await page.LanguageModel.create();
      const messages = [
        { role: 'user', content: 'Hello?' },
        { role: 'assistant', content: 'Wait.' },
        { role: 'assistant', content: 'Oh, ', prefix: true },
      ];
      expect(await session.prompt(messages)).toBe('Hi.');
      await session.prompt('And?');
      const before = ['user: Hello?', 'assistant: Wait.', 'assistant: Oh, Hi.'];
      expect(contents(sent()[1])).toEqual([...before, 'user: And?']);
    });

    it('rejects a prompt without an argument, and messages that the specification forbids', async () => {
      const session = await page.LanguageModel.create();
      await expect(session.prompt()).rejects.toThrow(TypeError);
      expect(() => session.promptStreaming()).toThrow(TypeError);
      const first = session.prompt('a');
      await expect(session.prompt([{ role: 'system', content: 'b' }])).rejects.toThrow(TypeError);
      await first;
      const prefix = [
        { role: 'assistant', content: 'a', prefix: true },
        { role: 'user', content: 'b' },
      ];
      await expect(session.prompt(prefix)).rejects.toMatchObject({ name: 'SyntaxError' });
      await expect(session.prompt([{ role: 'user', content: [{ type: 'image', value: 1 }] }])).rejects.toMatchObject({
        name: 'NotSupportedError',
      });
      await expect(session.prompt([{ role: 'user', content: [{ type: 'text', value: 1 }] }])).rejects.toThrow(
        TypeError,
      );
    });

    it('appends nothing for an empty list, and prompts with an empty message', async () => {
      const session = await page.LanguageModel.create();
      await session.append([]);
      expect(session.contextUsage).toBe(0);
      expect(await session.measureContextUsage([])).toBe(0);
      expect(await session.prompt([])).toBe('Hi.');
      expect(contents(sent()[0])).toEqual(['user: ']);
    });

    it('streams, and stops when the stream is cancelled', async () => {
      tabagent.answer = (_, send) => {
        send({ kind: 'chunk', text: 'a' });
        send({ kind: 'chunk', text: 'b' });
        send({ kind: 'done', result: textResult('ab') });
      };
      const session = await page.LanguageModel.create();
      expect(await Array.fromAsync(session.promptStreaming('x'))).toEqual(['a', 'b']);

      tabagent.answer = (_, send) => send({ kind: 'chunk', text: 'a' });
      const reader = session.promptStreaming('y').getReader();
      expect(await reader.read()).toEqual({ done: false, value: 'a' });
      await reader.cancel();
      expect(tabagent.received.at(-1)).toMatchObject({ verb: 'stop' });
    });

    it('removes a prompt that is aborted, running or waiting', async () => {
      tabagent.answer = () => {};
      const session = await page.LanguageModel.create();
      const [running, waiting] = [new AbortController(), new AbortController()];
      const first = session.prompt('one', { signal: running.signal });
      const second = session.prompt('two', { signal: waiting.signal });
      waiting.abort();
      await expect(second).rejects.toMatchObject({ name: 'AbortError' });
      const reason = new Error('mine');
      running.abort(reason);
      await expect(first).rejects.toBe(reason);
      expect(session.contextUsage).toBe(0);
      tabagent.answer = (_, send) => send({ kind: 'done', result: textResult('Hi.') });
      await session.prompt('three');
      expect(contents(sent().at(-1))).toEqual(['user: three']);
      expect(sent().map(contents)).not.toContainEqual(['user: two']);
      await expect(session.prompt('four', { signal: running.signal })).rejects.toBe(reason);
      expect(() => session.promptStreaming('five', { signal: running.signal })).toThrow(reason);
    });

    it('evicts the oldest messages, and reports it', async () => {
      const session = await page.LanguageModel.create();
      await session.prompt('one');
      const events: string[] = [];
      session.addEventListener('contextoverflow', () => events.push('listener'));
      session.oncontextoverflow = () => events.push('handler');
      session.onquotaoverflow = () => events.push('old name');
      tabagent.evicted = 2;
      await session.prompt('two');
      expect(events).toEqual(['listener', 'handler', 'old name']);
      tabagent.evicted = 0;
      await session.prompt('three');
      expect(contents(sent().at(-1))).toEqual(['user: two', 'assistant: Hi.', 'user: three']);
    });

    it('reports by how much a prompt exceeds the context', async () => {
      const session = await page.LanguageModel.create();
      tabagent.answer = (_, send) =>
        send({ kind: 'error', name: 'QuotaExceededError', message: 'Too large.', requested: 300, quota: 100 });
      const error = await session.prompt('x').catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(page.QuotaExceededError);
      expect(error).toMatchObject({ name: 'QuotaExceededError', requested: 300, quota: 100 });
    });

    it('clones the conversation so far', async () => {
      const session = await page.LanguageModel.create({ samplingMode: 'creative' });
      await session.prompt('one');
      const copy = await session.clone();
      expect(copy.contextUsage).toBe(session.contextUsage);
      expect(copy.samplingMode).toBe('creative');
      await copy.prompt('two');
      expect(contents(sent().at(-1))).toEqual(['user: one', 'assistant: Hi.', 'user: two']);
      await session.prompt('three');
      expect(contents(sent().at(-1))).toEqual(['user: one', 'assistant: Hi.', 'user: three']);
      const controller = new AbortController();
      const aborted = session.clone({ signal: controller.signal });
      controller.abort();
      await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    });

    it('ends with destroy(), or with the signal that was passed to create()', async () => {
      tabagent.answer = () => {};
      const session = await page.LanguageModel.create();
      const running = session.prompt('one');
      session.destroy();
      await expect(running).rejects.toMatchObject({ name: 'InvalidStateError' });
      await expect(session.prompt('two')).rejects.toMatchObject({ name: 'InvalidStateError' });
      await expect(session.clone()).rejects.toMatchObject({ name: 'InvalidStateError' });
      expect(session.contextWindow).toBe(100);

      const controller = new AbortController();
      const other = await page.LanguageModel.create({ signal: controller.signal });
      const late = other.prompt('three');
      controller.abort(new Error('left'));
      await expect(late).rejects.toThrow('left');
      await expect(other.measureContextUsage('four')).rejects.toThrow('left');
    });

    it('can be constrained to a schema or a regular expression, and includes it in the prompt unless omitted', async () => {
      tabagent.answer = (_, send) => send({ kind: 'done', result: textResult('{"a":1}') });
      const session = await page.LanguageModel.create();
      const schema = { type: 'object' };
      expect(await session.prompt('x', { responseConstraint: schema })).toBe('{"a":1}');
      expect(sent()[0]).toMatchObject({ constraint: { schema } });
      expect(contents(sent()[0])[0]).toContain('{"type":"object"}');
      await session.prompt('x', { responseConstraint: schema, omitResponseConstraintInput: true });
      expect(contents(sent()[1]).at(-1)).toBe('user: x');
      const measured = await session.measureContextUsage('x', { responseConstraint: schema });
      expect(measured).toBeGreaterThan(await session.measureContextUsage('x'));

      tabagent.answer = (_, send) => send({ kind: 'done', result: textResult('yes') });
      expect(await session.prompt('x', { responseConstraint: /^YES$/gi })).toBe('yes');
      expect(sent().at(-1)).toMatchObject({ constraint: { regex: '^YES$', flags: 'gi' } });
      await expect(session.prompt('x', { responseConstraint: /no/ })).rejects.toMatchObject({ name: 'SyntaxError' });
      await expect(session.prompt('x', { responseConstraint: schema })).rejects.toMatchObject({ name: 'SyntaxError' });
      const prefix = [
        { role: 'user', content: 'x' },
        { role: 'assistant', content: 'oh ', prefix: true },
      ];
      expect(await session.prompt(prefix, { responseConstraint: /oh yes/ })).toBe('yes');
      expect(sent().at(-1)).toMatchObject({ continues: true });
      await session.prompt('next');
      expect(contents(sent().at(-1))).toContain('assistant: oh yes');

      const circular: Any = {};
      circular.self = circular;
      await expect(session.prompt('x', { responseConstraint: circular })).rejects.toMatchObject({
        name: 'NotSupportedError',
      });
      await expect(session.prompt('x', { responseConstraint: 'a' })).rejects.toThrow(TypeError);
      await expect(session.prompt('x', { omitResponseConstraintInput: true })).rejects.toThrow(TypeError);
    });
  });

  describe('tools', () => {
    it('are called concurrently if the page provides functions, and their results are sent', async () => {
      const called: unknown[] = [];
      const execute = async (args: unknown) => {
        called.push(args);
        return 'sunny';
      };
      const session = await page.LanguageModel.create({ ...WITH_TOOLS, tools: [{ ...TOOL, execute }] });
      tabagent.answer = (request, send) => {
        const isAnswered = request.messages?.some((message: Any) => message.role === 'tool');
        send({
          kind: 'done',
          result: isAnswered ? textResult('It is sunny.') : callResult('lookup', { city: 'Rome' }),
        });
      };
      expect(await session.prompt('Weather?')).toBe('It is sunny.');
      expect(called).toEqual([{ city: 'Rome' }]);
      const { execute: _, ...plain } = { ...TOOL, execute };
      expect(sent()[0].tools).toEqual([plain]);
      expect(contents(sent()[1])).toEqual(['user: Weather?', 'assistant: ', 'tool: sunny']);
      expect(sent()[1].messages[2]).toMatchObject({ callId: 'call-lookup', name: 'lookup' });
    });

    it('end if a model calls them endlessly', async () => {
      const session = await page.LanguageModel.create({ ...WITH_TOOLS, tools: [{ ...TOOL, execute: () => 'more' }] });
      tabagent.answer = (_, send) => send({ kind: 'done', result: callResult('lookup', {}) });
      const parts = await session.prompt('x');
      expect(parts).toMatchObject([{ type: 'tool-call' }]);
      expect(sent()).toHaveLength(11);
    });

    it('reject the prompt if one fails, and restore the session', async () => {
      const execute = () => {
        throw new Error('no network');
      };
      const session = await page.LanguageModel.create({ ...WITH_TOOLS, tools: [{ ...TOOL, execute }] });
      tabagent.answer = (_, send) => send({ kind: 'done', result: callResult('lookup', {}) });
      await expect(session.prompt('x')).rejects.toThrow('no network');
      expect(session.contextUsage).toBe(0);
    });

    it('are returned to the page if it provides no functions', async () => {
      const session = await page.LanguageModel.create({ ...WITH_TOOLS, tools: [TOOL] });
      tabagent.answer = (_, send) =>
        send({ kind: 'done', result: { ...callResult('lookup', { q: 1 }), text: 'Let me see.' } });
      const parts = await session.prompt('x');
      expect(parts[0]).toEqual({ type: 'text', value: 'Let me see.' });
      expect(parts[1].value).toBeInstanceOf(page.LanguageModelToolCall);
      expect(parts[1].value).toMatchObject({ callID: 'call-lookup', name: 'lookup', arguments: { q: 1 } });
      tabagent.answer = (_, send) => send({ kind: 'done', result: textResult('Done.') });
      const result = new page.LanguageModelToolSuccess({
        callID: 'call-lookup',
        name: 'lookup',
        result: [
          { type: 'text', value: 'four' },
          { type: 'object', value: { a: [1] } },
        ],
      });
      expect(await session.prompt([{ role: 'user', content: [{ type: 'tool-response', value: result }] }])).toBe(
        'Done.',
      );
      expect(contents(sent()[1]).at(-1)).toBe('tool: four\n{"a":[1]}');
      const failure = new page.LanguageModelToolError({ callID: 'c', name: 'lookup', errorMessage: 'broken' });
      await session.append([{ role: 'user', content: [{ type: 'tool-response', value: failure }] }]);
    });

    it.each<[string, unknown, string]>([
      ['a function', () => {}, 'DataError'],
      ['a large integer', 1n, 'DataError'],
      ['something that is not plain data', new Map(), 'DataError'],
    ])('do not return %s', async (_what, value, name) => {
      const session = await page.LanguageModel.create({ ...WITH_TOOLS, tools: [TOOL] });
      const result = new page.LanguageModelToolSuccess({
        callID: 'c',
        name: 'lookup',
        result: [{ type: 'object', value }],
      });
      await expect(
        session.prompt([{ role: 'user', content: [{ type: 'tool-response', value: result }] }]),
      ).rejects.toMatchObject({ name });
    });
  });

  describe('task-specific objects', () => {
    it.each([
      ['Summarizer', {}, 'summarize', /three most important points/],
      ['Writer', { tone: 'formal' }, 'write', /formal tone/],
      ['Rewriter', { length: 'shorter' }, 'rewrite', /Make it shorter/],
      ['Translator', { sourceLanguage: 'en', targetLanguage: 'ja' }, 'translate', /from English to Japanese/],
    ] as const)('%s', async (name, options, method, instructions) => {
      const object = await page[name].create(options);
      expect(object).toBeInstanceOf(page[name]);
      expect(await object[method]('text')).toBe('Hi.');
      const [system, user] = contents(sent()[0]);
      expect(system).toMatch(instructions);
      expect(user).toBe('user: text');
      tabagent.answer = (_, send) => {
        send({ kind: 'chunk', text: 'H' });
        send({ kind: 'chunk', text: 'i' });
        send({ kind: 'done', result: textResult('Hi') });
      };
      expect(await Array.fromAsync(object[`${method}Streaming`]('text'))).toEqual(['H', 'i']);
      expect(await object.measureInputUsage('text')).toBeGreaterThan(4);
      expect(object.inputQuota).toBe(100);
      await expect(object[method]()).rejects.toThrow(TypeError);

      tabagent.answer = () => {};
      const running = object[method]('text');
      const stream = object[`${method}Streaming`]('text').getReader().read();
      object.destroy();
      await expect(running).rejects.toMatchObject({ name: 'AbortError' });
      await expect(stream).rejects.toMatchObject({ name: 'AbortError' });
      await expect(object.measureInputUsage('text')).rejects.toMatchObject({ name: 'AbortError' });
    });

    it('return empty text for blank input', async () => {
      const summarizer = await page.Summarizer.create();
      expect(await summarizer.summarize(' ')).toBe('');
      expect(await Array.fromAsync(summarizer.summarizeStreaming(''))).toEqual([]);
      expect(await (await page.Rewriter.create()).rewrite(' \n')).toBe(' \n');
      const translator = await page.Translator.create({ sourceLanguage: 'en', targetLanguage: 'de' });
      expect(await translator.translate('\u0003\t')).toBe('\u0003\t');
      expect(sent()).toEqual([]);
    });

    it('expose their options', async () => {
      const summarizer = await page.Summarizer.create({
        type: 'headline',
        sharedContext: 'News',
        expectedInputLanguages: ['EN'],
      });
      expect(summarizer).toMatchObject({
        type: 'headline',
        format: 'markdown',
        length: 'short',
        sharedContext: 'News',
        outputLanguage: null,
      });
      expect(summarizer.expectedInputLanguages).toEqual(['en']);
      expect(Object.isFrozen(summarizer.expectedInputLanguages)).toBe(true);
      await summarizer.summarize('x', { context: 'For a child' });
      expect(contents(sent()[0])[0]).toMatch(/Background:\nNews.*About this text:\nFor a child/s);
      await expect(page.Summarizer.create({ type: 'poem' })).rejects.toThrow(TypeError);
      await expect(page.Translator.create({ sourceLanguage: 'en' })).rejects.toThrow(TypeError);
      await expect(page.Writer.create({ outputLanguage: 'en-abc-invalid' })).rejects.toThrow(RangeError);
    });

    it('LanguageDetector', async () => {
      const detector = await page.LanguageDetector.create({ expectedInputLanguages: [] });
      expect(await detector.detect('text')).toEqual([{ detectedLanguage: 'und', confidence: 1 }]);
      expect(detector.expectedInputLanguages).toBeNull();
      expect(await detector.measureInputUsage('text')).toBe(4);
      expect(tabagent.received.map(({ verb }) => verb)).toEqual(['detect', 'detect']);
      detector.destroy();
      await expect(detector.detect('text')).rejects.toMatchObject({ name: 'AbortError' });
      tabagent.refusal = { name: 'NotAllowedError', message: 'Not in this frame.' };
      await expect(page.LanguageDetector.create()).rejects.toMatchObject({ name: 'NotAllowedError' });
    });
  });

  describe('a port that closes', () => {
    it('is reopened, and requests without text are repeated', async () => {
      tabagent.answer = () => {};
      const session = await page.LanguageModel.create();
      const answer = session.prompt('x');
      await new Promise((resolve) => setTimeout(resolve));
      tabagent.answer = (_, send) => send({ kind: 'done', result: textResult('Back.') });
      tabagent.disconnect();
      expect(await answer).toBe('Back.');
      expect(sent()).toHaveLength(2);
    });

    it('ends a started answer, and requests for which it closes repeatedly', async () => {
      tabagent.answer = (_, send) => send({ kind: 'chunk', text: 'a' });
      const session = await page.LanguageModel.create();
      const answer = session.prompt('x');
      await new Promise((resolve) => setTimeout(resolve));
      tabagent.disconnect();
      await expect(answer).rejects.toMatchObject({ name: 'UnknownError' });

      tabagent.answer = () => queueMicrotask(() => tabagent.disconnect());
      await expect(session.prompt('y')).rejects.toMatchObject({ name: 'UnknownError' });
      expect(sent()).toHaveLength(4);
    });
  });
});
