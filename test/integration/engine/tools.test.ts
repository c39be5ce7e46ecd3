import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ChatMessage, ChatOptions, Constraint, Sampling } from '../../../host/models/generation.ts';
import type { ScriptedAnswer } from '../../support/gguf/scripted-model.ts';
import { FAMILIES, TOOLS } from '../../support/tools/families.ts';
import type { GenerationCase, GenerationOutcome } from '../../support/tools/generate-child.ts';

const CHILD = join(import.meta.dirname, '../../support/tools/generate-child.ts');
const CORPUS = join(import.meta.dirname, '../../../../shared/cases/templates');

const GREEDY: Sampling = { temperature: 0, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, seed: 0 };

const { template } = FAMILIES[0];

/** Answers with text, and would request the weather of 99 days. */
const WORDS: ScriptedAnswer = { template, pieces: ['Just ', 'words.'] };
const WRONG: ScriptedAnswer = {
  template,
  pieces: [
    '<tool_call>',
    '\n{"name": "get_weather", "arguments": {"town": ',
    '"Bern", ',
    '"days": ',
    '99',
    '}}',
    '\n</tool_call>',
  ],
};
/** Reasons before a call, and mentions calls in its reasoning. */
const THINKS: ScriptedAnswer = {
  template: `${template}{{ '<think>' if false }}`,
  pieces: [
    '<think>',
    'use <tool_',
    'call>',
    '</think>',
    '\n\n',
    '<tool_call>',
    '\n{"name": "list_notes", ',
    '"arguments": {}}',
    '\n</tool_call>',
  ],
};

let child: ChildProcess;
beforeAll(async () => {
  child = fork(CHILD, { execArgv: ['--disable-warning=MaxListenersExceededWarning'], silent: true });
  await once(child, 'message');
});
afterAll(() => {
  child.kill();
});

interface Asked {
  readonly chat?: ChatOptions;
  readonly messages?: ChatMessage[];
  readonly constraint?: Constraint;
  readonly maxNewTokens?: number;
  readonly toolResult?: string;
}

async function ask(
  script: ScriptedAnswer,
  { chat = {}, constraint, maxNewTokens = 60, toolResult, ...more }: Asked = {},
) {
  const { messages = [{ role: 'user', content: 'Weather?' }] } = more;
  const generationCase: GenerationCase = {
    script,
    request: {
      input: { messages, chat: { tools: TOOLS, ...chat } },
      maxNewTokens,
      stop: [],
      sampling: GREEDY,
      ...(constraint === undefined ? {} : { constraint }),
    },
    ...(toolResult === undefined ? {} : { toolResult }),
  };
  const reply = once(child, 'message');
  child.send(generationCase);
  const [{ error, result, events, next }] = (await reply) as [GenerationOutcome];
  expect(error).toBeUndefined();
  expect(events.filter((event) => event.type === 'toolCall')).toEqual(
    result.toolCalls.map((call, index) => ({ type: 'toolCall', index, call })),
  );
  const streamed = events.map((event) => (event.type === 'text' && event.kind === 'answer' ? event.text : '')).join('');
  expect(streamed).toBe(result.text);
  return { ...result, next };
}

const WEATHER = { id: expect.stringMatching(/^.{1,40}$/), name: 'get_weather', arguments: '{"town":"Bern"}' };

describe('a tool call', () => {
  it.each(FAMILIES)('in the format of $name is separated from the text, and its result is rendered', async (family) => {
    const script: ScriptedAnswer = { ...family, alsoControl: family.vocabulary ?? [] };
    const { next, ...result } = await ask(script, { toolResult: 'It is 21 degrees' });
    expect(result).toMatchObject({
      text: family.text ?? '',
      toolCalls: [WEATHER],
      finishReason: 'tool_calls',
      ignored: [],
    });
    expect(next).toContain('It is 21 degrees');
    // Once among the tools, once in the call.
    expect(next?.split('get_weather').length).toBeGreaterThan(2);
  });

  it('cannot have arguments that violate the schema', async () => {
    const { text, toolCalls } = await ask(WRONG);
    expect(text).toBe('');
    for (const call of toolCalls) expect(JSON.parse(call.arguments).days).toBeLessThan(8);
  });

  it('is text in a request without tools', async () => {
    const { text, toolCalls, finishReason } = await ask(WRONG, { chat: { tools: undefined } });
    expect({ text, toolCalls, finishReason }).toEqual({
      text: WRONG.pieces.join(''),
      toolCalls: [],
      finishReason: 'stop',
    });
  });

  it('may follow reasoning that mentions it', async () => {
    expect(await ask(THINKS)).toMatchObject({
      text: '',
      reasoning: 'use <tool_call>',
      toolCalls: [{ name: 'list_notes', arguments: '{}' }],
    });
  });

  it('is forced if it is required, whatever the model would generate', async () => {
    const { text, toolCalls, finishReason } = await ask(WORDS, {
      chat: { toolChoice: { name: 'list_notes' } },
      maxNewTokens: 400,
    });
    expect(text).toBe('');
    // A model with random weights may not reach the end of its call.
    if (finishReason === 'length') expect(toolCalls).toEqual([]);
    else expect(toolCalls[0]).toMatchObject({ name: 'list_notes', arguments: '{}' });
  });

  it('is also forced after reasoning', async () => {
    expect(await ask(THINKS, { chat: { toolChoice: 'required' } })).toMatchObject({
      reasoning: 'use <tool_call>',
      toolCalls: [{ name: 'list_notes', arguments: '{}' }],
      finishReason: 'tool_calls',
    });
  });

  it('ends the answer if parallel calls are off', async () => {
    const pieces = [...(FAMILIES[0].pieces ?? []), '\nMore', ' text.'];
    const script = { ...FAMILIES[0], pieces };
    expect(await ask(script, { chat: { parallelToolCalls: false } })).toMatchObject({
      text: 'I will look.',
      toolCalls: [WEATHER],
      finishReason: 'tool_calls',
    });
    expect((await ask(script)).text).toBe('I will look.\nMore text.');
  });

  it('can replace an answer that a schema constrains', async () => {
    const constraint = { jsonSchema: { const: 'yes' } };
    const { pieces } = FAMILIES[0];
    const script = { template, pieces: pieces.slice(2) };
    expect(await ask(script, { constraint })).toMatchObject({ text: '', toolCalls: [WEATHER] });
    const { text } = await ask(WORDS, { constraint, maxNewTokens: 300 });
    expect(text).not.toContain('words');
  });

  (existsSync(CORPUS) ? it.each : it.skip.each)([
    ['Qwen-Qwen3-0.6B', 'Hermes and Qwen'],
    ['Qwen3-Coder', 'Qwen3-Coder'],
    ['meta-llama-Llama-3.2-3B-Instruct', 'Llama 3'],
    ['mistralai-Mistral-Nemo-Instruct-2407', 'Mistral'],
    ['mistralai-Ministral-3-14B-Reasoning-2512', 'Mistral with separate arguments'],
    ['openai-gpt-oss-120b', 'gpt-oss'],
    ['deepseek-ai-DeepSeek-V3.1', 'DeepSeek V3.1'],
    ['deepseek-ai-DeepSeek-V4', 'DeepSeek V4'],
    ['google-gemma-4-31B-it-interleaved', 'Gemma'],
    ['ibm-granite-granite-3.3-2B-Instruct', 'Granite'],
    ['GLM-4.6', 'GLM'],
    ['Kimi-K2-Thinking', 'Kimi'],
    ['meetkai-functionary-medium-v3.1', 'Functionary 3.1'],
    ['meetkai-functionary-medium-v3.2', 'Functionary 3.2'],
    ['Apertus-8B-Instruct', 'Apertus'],
    ['chujie-chatml', 'a template without tool support'],
  ])('works with the public template %s', async (file, name) => {
    const family = FAMILIES.find((candidate) => candidate.name === name);
    const source = readFileSync(join(CORPUS, `${file}.jinja`), 'utf8');
    if (family === undefined) throw new Error(`There is no family ${name}`);
    const script = { ...family, template: source, alsoControl: family.vocabulary ?? [] };
    expect(await ask(script)).toMatchObject({
      text: family.text ?? '',
      toolCalls: [WEATHER],
      finishReason: 'tool_calls',
    });
  });
});
