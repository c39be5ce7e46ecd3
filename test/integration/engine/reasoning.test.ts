import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ChatOptions, Constraint, GenerationProgress, Sampling } from '../../../host/models/generation.ts';
import { loadRequest, TestModels } from '../../support/engine/test-models.ts';
import { type MarkovOptions, markovModel } from '../../support/gguf/markov-model.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { string } from '../../support/gguf/write-gguf.ts';

const GREEDY: Sampling = { temperature: 0, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, seed: 0 };

/** Renders the contents of messages, and opens a reasoning block if the request asks for it. */
const TEMPLATE = "{% for m in messages %}{{ m.content }}{% endfor %}{{ '<think>' if opened }}";

/** Models that generate markup: as control tokens, as text tokens, as plain text, and as channels. */
const MODELS: Readonly<Record<string, MarkovOptions>> = {
  control: {
    chain: {
      go: { '[THINK]': 1 },
      '[THINK]': { plan: 1 },
      plan: { '[/THINK]': 1 },
      '[/THINK]': { hello: 1 },
      hello: { '': 1 },
    },
    special: { '[THINK]': 'control', '[/THINK]': 'control' },
  },
  visible: {
    chain: {
      go: { '<think>': 1 },
      '<think>': { so: 1 },
      so: { good: 0.9, '</think>': 0.1 },
      good: { so: 0.6, '</think>': 0.4 },
      '</think>': { hello: 1 },
      '\n': { hello: 1 },
      hello: { world: 1 },
      world: { '': 1 },
    },
    special: { '<think>': 'user-defined', '</think>': 'user-defined' },
  },
  mention: {
    chain: { go: { write: 1 }, write: { '</think>': 1 }, '</think>': { twice: 1 }, twice: { '': 1 } },
    special: { '<think>': 'user-defined', '</think>': 'user-defined' },
  },
  words: {
    chain: {
      go: { '<seed:think>': 1 },
      '<seed:think>': { plan: 1 },
      plan: { '</seed:think>': 1 },
      '</seed:think>': { hello: 1 },
      hello: { '': 1 },
    },
    metadata: { 'tokenizer.chat_template': string(`${TEMPLATE}{{ '<seed:think>' if false }}`) },
  },
};

const folder = tempFolder('reasoning');
const host = new TestModels();
beforeAll(async () => {
  for (const [id, options] of Object.entries(MODELS)) {
    const file = join(folder.path, `${id}.gguf`);
    const metadata = { 'tokenizer.chat_template': string(TEMPLATE), ...options.metadata };
    writeFileSync(file, markovModel({ ...options, metadata }));
    await host.load(await loadRequest(id, file));
  }
});
afterAll(async () => {
  await host.close();
  folder.remove();
});

async function ask(id: string, chat: ChatOptions = {}, more: { constraint?: Constraint; maxNewTokens?: number } = {}) {
  const events: GenerationProgress[] = [];
  const result = await host.models.generate(
    id,
    {
      input: { messages: [{ role: 'user', content: 'go' }], chat },
      maxNewTokens: 20,
      stop: [],
      sampling: GREEDY,
      ...more,
    },
    { onProgress: (event) => events.push(event) },
  );
  const streamed = (kind: string) =>
    events.map((event) => (event.type === 'text' && event.kind === kind ? event.text : '')).join('');
  expect({ answer: streamed('answer'), reasoning: streamed('reasoning') }).toEqual({
    answer: result.text,
    reasoning: result.reasoning,
  });
  return result;
}

describe('reasoning', () => {
  it('in control tokens is separated from the answer, and counted', async () => {
    expect(await ask('control')).toMatchObject({
      reasoning: 'plan',
      text: 'hello',
      finishReason: 'stop',
      usage: { completionTokens: 4, reasoningTokens: 3 },
    });
  });

  it('marked by plain text is separated from the answer', async () => {
    expect(await ask('words')).toMatchObject({ reasoning: 'plan', text: 'hello' });
  });

  it('markup that the answer only mentions is text', async () => {
    const { reasoning, text } = await ask('mention');
    expect({ reasoning, text: text.trim() }).toEqual({ reasoning: '', text: 'write</think> twice' });
  });

  it('that never ends results in no answer, with the finish reason length', async () => {
    const { reasoning, text, finishReason } = await ask('visible');
    expect(reasoning).toMatch(/^so good so good/);
    expect({ text, finishReason }).toEqual({ text: '', finishReason: 'length' });
  });

  it('ends at its token limit, and the answer follows', async () => {
    expect(await ask('visible', { maxReasoningTokens: 3 })).toMatchObject({
      reasoning: 'so good',
      text: 'hello world',
      finishReason: 'stop',
      usage: { reasoningTokens: 3, completionTokens: 5 },
    });
  });

  it('that the prompt opens needs no start marker', async () => {
    const opened = { variables: { opened: true } };
    expect(await ask('visible', { ...opened, maxReasoningTokens: 2 })).toMatchObject({
      reasoning: 'so good',
      text: 'hello world',
    });
  });

  it('can be turned off by a request', async () => {
    expect(await ask('visible', { reasoning: 'off' })).toMatchObject({ reasoning: '', text: 'hello world' });
  });

  it('is not constrained, even if the answer is', async () => {
    const constraint = { grammar: 'root ::= " hello"' };
    const opened = { variables: { opened: true }, maxReasoningTokens: 2 };
    expect(await ask('visible', opened, { constraint })).toMatchObject({ reasoning: 'so good', text: 'hello' });
  });

  it('remains in the answer to a plain prompt', async () => {
    const result = await host.models.generate('visible', {
      input: { prompt: 'go' },
      maxNewTokens: 3,
      stop: [],
      sampling: GREEDY,
    });
    expect(result).toMatchObject({ reasoning: '', text: '<think> so good' });
  });
});
