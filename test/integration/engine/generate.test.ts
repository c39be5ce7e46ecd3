import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../../host/common/json.ts';
import { accepts, derive } from '../../../host/grammar/derive.ts';
import { isNothing } from '../../../host/grammar/expression.ts';
import { compileSchema } from '../../../host/json-schema/compile.ts';
import type { GenerateRequest, GenerationProgress, Sampling } from '../../../host/models/generation.ts';
import type { GenerateOptions } from '../../../host/models/loaded-entry.ts';
import { loadRequest, TestModels } from '../../support/engine/test-models.ts';
import { COIN, ENDLESS } from '../../support/gguf/chains.ts';
import { markovModel, STORY_GREEDY } from '../../support/gguf/markov-model.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { string } from '../../support/gguf/write-gguf.ts';

const GREEDY: Sampling = { temperature: 0, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, seed: 0 };
const SAMPLED: Sampling = { ...GREEDY, temperature: 1 };

/**
 * Rejects a system message, like Gemma's template. Otherwise renders the contents of messages, each with the end token.
 */
const TEMPLATE = `{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}
{{- m.content }} {% endfor %}`;

const folder = tempFolder('generate');
const host = new TestModels();

beforeAll(async () => {
  const files = {
    story: markovModel(),
    endless: markovModel({ chain: ENDLESS }),
    coin: markovModel({ chain: COIN }),
    chat: markovModel({ metadata: { 'tokenizer.chat_template': string(TEMPLATE) } }),
    looping: markovModel({
      metadata: {
        'tokenizer.chat_template': string(
          '{% set l = range(2000) %}{% for a in l %}{% for b in l %}{% for c in l %}{% endfor %}{% endfor %}{% endfor %}',
        ),
      },
    }),
  };
  const contexts: Record<string, number> = { endless: 16_384, coin: 2_048 };
  for (const [id, bytes] of Object.entries(files)) {
    const file = join(folder.path, `${id}.gguf`);
    writeFileSync(file, bytes);
    await host.load(await loadRequest(id, file, { contextSize: contexts[id] ?? 256 }));
  }
});
afterAll(async () => {
  await host.close();
  folder.remove();
});

/** Generates with defaults that do not modify the chain's probabilities. */
function generate(id: string, order: Partial<GenerateRequest> = {}, options: GenerateOptions = {}) {
  return host.models.generate(
    id,
    { input: { prompt: '' }, maxNewTokens: 100_000, stop: [], sampling: GREEDY, ...order },
    options,
  );
}

/** The text of all events, in order. */
function textOf(events: readonly GenerationProgress[]): string {
  return events.map((event) => (event.type === 'text' ? event.text : '')).join('');
}

/** Starts a generation and waits for its first event. */
async function startGeneration(id: string, order: Partial<GenerateRequest> = {}, options: GenerateOptions = {}) {
  const first = Promise.withResolvers<void>();
  const events: GenerationProgress[] = [];
  const result = generate(id, order, {
    ...options,
    onProgress: (event) => {
      events.push(event);
      first.resolve();
    },
  });
  await Promise.race([first.promise, result]);
  return { result, events };
}

describe('text', () => {
  it('is deterministic with greedy sampling, and the events contain all of it', async () => {
    const events: GenerationProgress[] = [];
    const result = await generate('story', {}, { onProgress: (event) => events.push(event) });
    expect(result).toMatchObject({
      text: STORY_GREEDY,
      finishReason: 'stop',
      usage: { promptTokens: 1, completionTokens: 10, timeToFirstTokenMs: expect.any(Number) },
    });
    expect(textOf(events)).toBe(STORY_GREEDY);
  });

  it('continues a prompt', async () => {
    expect((await generate('story', { input: { prompt: 'once upon one' } })).text).toBe(
      ' time there was a small model .',
    );
  });

  it('follows the probabilities of the model (seed 7)', async () => {
    const { text } = await generate('coin', { maxNewTokens: 1_000, sampling: { ...SAMPLED, seed: 7 } });
    const throws = text.split(' ');
    expect(throws).toHaveLength(1_000);
    // Four standard deviations of a fair account: √(0.7 · 0.3 / 1000) each.
    expect(Math.abs(throws.filter((side) => side === 'heads').length / 1_000 - 0.7)).toBeLessThan(0.058);
  });

  it('is the same for the same seed, and differs for another', async () => {
    const order = (seed: number) => ({ maxNewTokens: 60, sampling: { ...SAMPLED, seed } });
    const first = await generate('coin', order(1));
    expect((await generate('coin', order(1))).text).toBe(first.text);
    expect((await generate('coin', order(2))).text).not.toBe(first.text);
  });

  it.each<[string, Partial<Sampling>]>([
    ['topK 1', { topK: 1 }],
    ['a topP below the likeliest', { topP: 0.6 }],
    ['a minP above the others', { minP: 0.5 }],
  ])('with %s is the most likely text', async (_what, sampling) => {
    const { text } = await generate('coin', { maxNewTokens: 40, sampling: { ...SAMPLED, seed: 3, ...sampling } });
    expect(new Set(text.split(' '))).toEqual(new Set(['heads']));
  });

  it.each(['presencePenalty', 'frequencyPenalty'] as const)('uses other words with a %s', async (name) => {
    const penalized = { maxNewTokens: 10, sampling: { ...GREEDY, [name]: 2 } };
    const { text } = await generate('coin', penalized);
    expect(new Set(text.split(' '))).toEqual(new Set(['heads', 'tails']));
  });

  it('uses other words with a repetition penalty', async () => {
    const penalized = { maxNewTokens: 10, sampling: { ...GREEDY, repetitionPenalty: 8 } };
    expect((await generate('coin', penalized)).text).toContain('tails');
    expect((await generate('coin', { maxNewTokens: 10 })).text).not.toContain('tails');
  });

  it('ends before a stop sequence, also in events', async () => {
    const events: GenerationProgress[] = [];
    const result = await generate('story', { stop: ['was', 'ere w'] }, { onProgress: (event) => events.push(event) });
    expect(result).toMatchObject({ text: 'once upon one time th', finishReason: 'stop' });
    expect(textOf(events)).toBe('once upon one time th');
  });

  it('ends at the requested number of tokens', async () => {
    expect(await generate('story', { maxNewTokens: 3 })).toMatchObject({
      text: 'once upon one',
      finishReason: 'length',
      usage: { completionTokens: 3 },
    });
  });

  it('ends at the end of the context, without dropping its start', async () => {
    const { text, finishReason, usage } = await generate('coin');
    expect(finishReason).toBe('length');
    expect(usage.promptTokens + usage.completionTokens).toBe(2_048);
    expect(text.split(' ')).toHaveLength(usage.completionTokens);
  });
});

describe('a prompt', () => {
  it('that is longer than the context is rejected with both sizes, and the next one works', async () => {
    await expect(generate('story', { input: { prompt: 'once upon time '.repeat(100) } })).rejects.toMatchObject({
      code: 'CONTEXT_OVERFLOW',
      details: { promptTokens: expect.any(Number), contextSize: 256, room: 255 },
    });
    await expect(generate('story', { input: { prompt: 'x'.repeat(5_000_000) } })).rejects.toMatchObject({
      code: 'CONTEXT_OVERFLOW',
    });
    expect((await generate('story')).text).toBe(STORY_GREEDY);
  });

  it('that leaves one token in the context generates one token', async () => {
    // The start token, and 254 words of one token each.
    const prompt = ['once', ...Array.from({ length: 253 }, () => 'upon')].join(' ');
    expect(await generate('story', { input: { prompt } })).toMatchObject({
      text: ' one',
      finishReason: 'length',
      usage: { promptTokens: 255, completionTokens: 1 },
    });
  });

  it('is evaluated only from the first token that differs from the previous one', async () => {
    const first = await generate('story', { input: { prompt: 'a small time' } });
    const next = await generate('story', { input: { prompt: `a small time${first.text} once` } });
    // All evaluated tokens: the prompt and the answer, which the model ended.
    expect(next.usage.cachedPromptTokens).toBe(first.usage.promptTokens + first.usage.completionTokens);
    const other = await generate('story', { input: { prompt: 'a model' } });
    expect(other.usage.cachedPromptTokens).toBe(2);
    expect(other.text).toBe(' .');
  });

  it('that is long reports progress until it has been evaluated', async () => {
    const events: GenerationProgress[] = [];
    const prompt = 'tick tock '.repeat(1_000).trim();
    const { usage } = await generate(
      'endless',
      { input: { prompt }, maxNewTokens: 1 },
      { onProgress: (event) => events.push(event) },
    );
    const progress = events.flatMap((event) => (event.type === 'prompt' ? [event] : []));
    expect(progress.length).toBeGreaterThan(1);
    expect(progress.every(({ total }) => total === usage.promptTokens)).toBe(true);
    const processed = progress.map((event) => event.processed);
    expect(processed).toEqual(processed.toSorted((a, b) => a - b));
  });
});

describe('further samplers', () => {
  it('exclude the most likely tokens (XTC)', async () => {
    const sampling = { ...SAMPLED, xtc: { probability: 1, threshold: 0.1 } };
    const { text } = await generate('coin', { sampling, maxNewTokens: 30 });
    expect(text).toMatch(/^( ?tails)+$/);
  });

  it('make repetitions of longer sequences less likely (DRY)', async () => {
    const { text } = await generate('coin', { maxNewTokens: 30 });
    expect(text).toMatch(/^( ?heads)+$/);
    const dry = { multiplier: 5, base: 2, allowedLength: 2, lastTokens: undefined, sequenceBreakers: ['\n'] };
    const varied = (await generate('coin', { sampling: { ...GREEDY, dry }, maxNewTokens: 30 })).text;
    expect(new Set(varied.trim().split(' '))).toEqual(new Set(['heads', 'tails']));
    const none = { ...dry, lastTokens: 1 };
    expect((await generate('coin', { sampling: { ...GREEDY, dry: none }, maxNewTokens: 30 })).text).toBe(text);
    const broken = { ...dry, sequenceBreakers: ['heads'] };
    expect((await generate('coin', { sampling: { ...GREEDY, dry: broken }, maxNewTokens: 30 })).text).toBe(text);
  });

  it('change the probability of single tokens (logit bias)', async () => {
    const { text } = await generate('coin', { maxNewTokens: 4 });
    expect(text).toMatch(/^( ?heads)+$/);
    // The tokens of "▁heads" and its beginnings, which come first.
    const sampling = {
      ...GREEDY,
      logitBias: Object.fromEntries(Array.from({ length: 12 }, (_, at) => [259 + at, -100])),
    };
    expect((await generate('coin', { sampling, maxNewTokens: 4 })).text).not.toContain('heads');
    await expect(generate('coin', { sampling: { ...GREEDY, logitBias: { 9999999: 1 } } })).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      details: { field: 'settings.logit_bias' },
    });
  });
});

describe('constrained output', () => {
  it.each([
    ['an enum', { enum: ['model'] }, 'model'],
    ['a constant with characters of several bytes', { const: 'ä€😀' }, 'ä€😀'],
  ])('by a JSON schema with %s conforms, with complete characters in every event', async (_what, jsonSchema, value) => {
    const events: GenerationProgress[] = [];
    const { text, finishReason } = await generate(
      'story',
      { constraint: { jsonSchema } },
      { onProgress: (event) => events.push(event) },
    );
    expect(JSON.parse(text)).toBe(value);
    expect(text).toBe(JSON.stringify(value));
    expect(finishReason).toBe('stop');
    for (const event of events) expect(textOf([event])).not.toContain('\uFFFD');
  });

  it('that is cut inside a character ends before it, whatever cuts it', async () => {
    // Every byte is a token: the vocabulary has none of these characters.
    const whole = 'é👩‍👩‍👧 e\u0301ä€\u{10FFFF}한';
    const order = { constraint: { grammar: `root ::= "${whole}"` } };
    const bytes = Buffer.from(whole).length;
    const texts = new Set<string>();
    for (let maxNewTokens = 1; maxNewTokens <= bytes + 2; maxNewTokens += 1) {
      const events: GenerationProgress[] = [];
      const onProgress = (event: GenerationProgress) => events.push(event);
      const { text, finishReason } = await generate('story', { ...order, maxNewTokens }, { onProgress });
      expect(whole.startsWith(text)).toBe(true);
      expect(textOf(events)).toBe(text);
      expect([text, finishReason]).toEqual([text, text === whole && maxNewTokens > bytes ? 'stop' : 'length']);
      texts.add(text);
    }
    expect(texts.size).toBe([...whole].length + 1);
    for (const stop of ['\u200d', '\u0301', '€', '👧']) {
      const { text, finishReason } = await generate('story', { ...order, stop: [stop] });
      expect({ text, finishReason }).toEqual({ text: whole.slice(0, whole.indexOf(stop)), finishReason: 'stop' });
    }
  });

  it('by a JSON schema is an object even if the model would generate something else', async () => {
    const { text } = await generate('story', {
      constraint: {
        jsonSchema: {
          type: 'object',
          properties: { a: { type: 'boolean' }, b: { anyOf: [{ const: 1 }, { type: 'null' }] } },
          required: ['a', 'b'],
        },
      },
    });
    const value = JSON.parse(text);
    expect(value).toEqual({ a: expect.any(Boolean), b: value.b });
    expect([1, null]).toContain(value.b);
  });

  it.each<[string, JsonObject]>([
    ['a range of numbers', { type: 'integer', minimum: 12, exclusiveMaximum: 345 }],
    ['a fraction', { type: 'number', exclusiveMinimum: 0, maximum: 2.75 }],
    ['multiples', { type: 'integer', multipleOf: 7, minimum: 1, maximum: 700 }],
    ['a pattern', { type: 'string', pattern: '^"\\\\?[A-Zé😀]{2,}$', maxLength: 6 }],
    ['a format', { type: 'string', format: 'date-time' }],
    ['lengths', { type: 'string', minLength: 130, maxLength: 150 }],
    [
      'names',
      {
        type: 'object',
        properties: { ab: { type: 'null' } },
        required: ['ab'],
        additionalProperties: { enum: [1] },
        minProperties: 2,
        maxProperties: 2,
      },
    ],
    ['items that differ', { type: 'array', items: { enum: ['a', 'b'] }, uniqueItems: true, minItems: 2 }],
    ['anything', { type: 'array', items: {}, minItems: 1, maxItems: 1 }],
  ])('by a schema with %s is also valid in llama.cpp', async (_what, jsonSchema) => {
    const { expression } = compileSchema(jsonSchema, { field: 'schema', strict: true });
    const { text: decoded, finishReason } = await generate('story', {
      maxNewTokens: 400,
      constraint: { jsonSchema },
      sampling: { ...GREEDY, temperature: 2, seed: 3 },
    });
    // A model with random weights also writes malformed UTF-8: three bytes that llama.cpp counts as one character.
    const text = decoded.replaceAll('\uFFFD\uFFFD\uFFFD', '\uFFFD');
    // A model with random weights may generate endlessly if the grammar allows it.
    expect(finishReason === 'stop' ? accepts(expression, text) : !isNothing(derive(expression, text))).toBe(true);
    expect(text).not.toBe('');
  });

  it('reports what a non-strict schema does not enforce', async () => {
    const jsonSchema = { type: 'array', items: { const: 1 }, contains: { const: 2 }, maxItems: 1, minItems: 1 };
    const { text, ignored } = await generate('story', { constraint: { jsonSchema, strict: false } });
    expect({ value: JSON.parse(text), ignored }).toEqual({ value: [1], ignored: ['settings.json_schema.contains'] });
  });

  it('follows a grammar', async () => {
    // Without it, the most likely word is `small`.
    const constraint = { grammar: 'root ::= " model" | " once"' };
    expect((await generate('story', { input: { prompt: 'a' }, constraint })).text).toBe(' model');
  });

  it('matches a whole regular expression', async () => {
    const constraint = { regex: ' MODEL| Once', flags: 'i' };
    expect((await generate('story', { input: { prompt: 'a' }, constraint })).text).toMatch(/^ model$| once$/i);
  });

  it('continues text that the prompt already contains', async () => {
    const jsonSchema = { type: 'object', properties: { a: { enum: ['small'] } }, required: ['a'] };
    const held = await generate('story', { constraint: { jsonSchema, prefix: '{ "a": "sm' } });
    expect(JSON.parse(`{ "a": "sm${held.text}`)).toEqual({ a: 'small' });
    const found = await generate('story', { constraint: { regex: 'tic-tac', prefix: 'tic' } });
    expect(found.text).toBe('-tac');
  });

  it.each([
    ['that is none', { grammar: 'nonsense' }, 'settings.grammar'],
    ['of a regular expression that is not regular', { regex: '(a)\\1' }, 'settings.regex'],
    ['of a regular expression without matches', { regex: 'a^b' }, 'settings.regex'],
    ['of one that needs too many states', { regex: '(?=.*a.{60}$).*b.{60}' }, 'settings.regex'],
    ['that cannot continue so', { regex: 'once', prefix: 'twice' }, 'settings.constraint_prefix'],
    ['that begins with itself', { grammar: 'root ::= root "a"' }, 'settings.grammar'],
    ['without a root', { grammar: 'other ::= "a"' }, 'settings.grammar'],
    [
      'of a schema that cannot be kept',
      { jsonSchema: { type: 'string', pattern: '(a)\\1' } },
      'settings.json_schema.pattern',
    ],
  ])('%s is rejected, and the next generation works', async (_what, constraint, field) => {
    await expect(generate('story', { constraint })).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      details: { field },
    });
    expect((await generate('story')).text).toBe(STORY_GREEDY);
  });
});

describe('a conversation', () => {
  const chat = (...contents: [role: string, content: string][]) => ({
    input: { messages: contents.map(([role, content]) => ({ role, content })) },
  });

  it("is rendered with the model's own template", async () => {
    expect(
      await generate('chat', chat(['user', 'once upon'], ['assistant', 'one time'], ['user', 'there'])),
    ).toMatchObject({
      usage: { promptTokens: expect.any(Number) },
    });
    const { text } = await generate('chat', { ...chat(['user', 'once']), maxNewTokens: 1 });
    const plain = await generate('chat', { input: { prompt: 'once ' }, maxNewTokens: 1 });
    expect(text).toBe(plain.text);
  });

  it('puts the system message into the first user message if the template rejects it', async () => {
    const { usage } = await generate('chat', { ...chat(['system', 'a small'], ['user', 'once']), maxNewTokens: 1 });
    const folded = await generate('chat', { ...chat(['user', 'a small\n\nonce']), maxNewTokens: 1 });
    expect(usage.promptTokens).toBe(folded.usage.promptTokens);
  });

  it('cannot contain special tokens, unlike a plain prompt', async () => {
    const plain = await generate('chat', { input: { prompt: 'once</s>' }, maxNewTokens: 1 });
    expect(plain.usage.promptTokens).toBe(3);
    const said = await generate('chat', { ...chat(['user', 'once</s>']), maxNewTokens: 1 });
    // `<`, `/`, `s`, `>`: at least one token each, and the space in the template.
    expect(said.usage.promptTokens).toBeGreaterThanOrEqual(6);
  });

  it('is a transcript if the template never ends, as the load reports', async () => {
    expect(host.models.get('looping')).toMatchObject({
      chatFormat: { used: 'transcript', error: expect.stringContaining('steps') },
      notice: expect.stringContaining('written as a plain transcript'),
    });
    const { usage } = await generate('looping', { ...chat(['user', 'once']), maxNewTokens: 1 });
    const plain = await generate('looping', { input: { prompt: 'user: once\nassistant:' }, maxNewTokens: 1 });
    expect(usage.promptTokens).toBe(plain.usage.promptTokens);
  });

  it('fails with a typed error if the template never ends for its messages, and the model keeps working', async () => {
    const template = '{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}';
    const input = { ...chat(['user', 'once']).input, chat: { template } };
    await expect(generate('chat', { input })).rejects.toMatchObject({ code: 'CHAT_TEMPLATE_FAILED' });
    expect((await generate('chat', chat(['user', 'once']))).finishReason).toBeDefined();
  });

  it('is a transcript if the model has no template', async () => {
    const written = 'user: once\nassistant:';
    const { usage } = await generate('story', { ...chat(['user', 'once']), maxNewTokens: 1 });
    const plain = await generate('story', { input: { prompt: written }, maxNewTokens: 1 });
    expect(usage.promptTokens).toBe(plain.usage.promptTokens);
  });
});

describe('a stop', () => {
  it('ends a generation and returns its text so far, which matches the events', async () => {
    const { result, events } = await startGeneration('endless');
    expect(host.models.stopGenerations({ id: 'endless' })).toMatchObject([{ model: { id: 'endless' }, count: 1 }]);
    const { text, finishReason, usage } = await result;
    expect(finishReason).toBe('stopped');
    expect(usage.completionTokens).toBeLessThan(10_000);
    expect(textOf(events)).toBe(text);
    expect(text).toMatch(/^tick( tock tick)*( tock)?$/);
    expect(host.models.stopGenerations()).toEqual([]);
  });

  it('ends the evaluation of a long prompt', async () => {
    const { result, events } = await startGeneration('endless', { input: { prompt: 'tock tick '.repeat(7_000) } });
    expect(events[0]).toMatchObject({ type: 'prompt' });
    host.models.stopGenerations({ id: 'endless' });
    expect(await result).toMatchObject({ finishReason: 'stopped', text: '', usage: { completionTokens: 0 } });
  });

  it('of a waiting generation does not affect the running one', async () => {
    const running = await startGeneration('endless', {}, { tag: 'first' });
    const waiting = generate('endless', {}, { tag: 2 });
    host.models.stopGenerations({ tag: 2 });
    expect(await waiting).toMatchObject({ finishReason: 'stopped', text: '', usage: { completionTokens: 0 } });
    expect(host.models.stopGenerations({ tag: 'first' })).toMatchObject([{ count: 1 }]);
    expect((await running.result).finishReason).toBe('stopped');
  });

  it('by a signal rejects with its reason, and the next generation works', async () => {
    const controller = new AbortController();
    const reason = new Error('the client went away');
    const { result } = await startGeneration('endless', {}, { signal: controller.signal });
    controller.abort(reason);
    await expect(result).rejects.toBe(reason);
    expect((await generate('endless', { maxNewTokens: 2 })).text).toBe('tick tock');
  });
});

describe('several generations', () => {
  it('of one model run in order', async () => {
    const order: string[] = [];
    const tell = (name: string) => ({ onProgress: () => order.push(name) });
    const results = await Promise.all(
      ['a', 'b', 'c'].map((name) => generate('coin', { maxNewTokens: 200 }, tell(name))),
    );
    expect(results.map(({ usage }) => usage.completionTokens)).toEqual([200, 200, 200]);
    expect(order).toEqual(order.toSorted());
    expect(new Set(order)).toEqual(new Set(['a', 'b', 'c']));
  });

  it('of two models overlap', async () => {
    const { result } = await startGeneration('endless');
    expect((await generate('story')).text).toBe(STORY_GREEDY);
    expect(host.models.stopGenerations()).toMatchObject([{ model: { id: 'endless' } }]);
    expect((await result).finishReason).toBe('stopped');
  });
});

describe('a model that is lost while it generates', () => {
  async function loaded(id: string) {
    await host.load(await loadRequest(id, join(folder.path, 'endless.gguf'), { contextSize: 16_384 }));
    return startGeneration(id);
  }

  it('because its runner was killed rejects all waiting requests with ENGINE_CRASHED', async () => {
    const { result } = await loaded('killed');
    const waiting = generate('killed');
    process.kill(host.pidOf('killed') ?? 0, 'SIGKILL');
    await expect(result).rejects.toMatchObject({ code: 'ENGINE_CRASHED', details: { signal: 'SIGKILL' } });
    await expect(waiting).rejects.toMatchObject({ code: 'ENGINE_CRASHED' });
    await expect(generate('killed')).rejects.toMatchObject({ code: 'MODEL_NOT_LOADED' });
    expect((await generate('story')).text).toBe(STORY_GREEDY);
  });

  it('because it was unloaded is reported', async () => {
    const { result } = await loaded('unloaded');
    const waiting = generate('unloaded');
    const ended = [
      expect(result).rejects.toMatchObject({ code: 'MODEL_NOT_LOADED' }),
      expect(waiting).rejects.toMatchObject({ code: 'MODEL_NOT_LOADED' }),
    ];
    await host.models.unload('unloaded');
    await Promise.all(ended);
  });

  it('is not loaded for the next request', async () => {
    await expect(generate('no-such-model')).rejects.toMatchObject({ code: 'MODEL_NOT_LOADED' });
  });
});
