import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type {
  ChatMessage,
  ChatOptions,
  Constraint,
  GenerationProgress,
  Sampling,
} from '../../../host/models/generation.ts';
import { toolCallFields } from '../../../host/tools/tool-function.ts';
import { loadRequest, TestModels } from '../../support/engine/test-models.ts';
import { speakingModel } from '../../support/gguf/speaking-model.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { FAMILIES, TOOLS } from '../../support/tools/families.ts';

const GREEDY: Sampling = { temperature: 0, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, seed: 0 };

/** A model that would ask for the weather of 99 days. */
const WRONG = {
  template: FAMILIES[0]?.template ?? '',
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
/** One that answers with words. */
const WORDS = { template: FAMILIES[0]?.template ?? '', pieces: ['Just ', 'words.'] };

const folder = tempFolder('tools');
const host = new TestModels();
beforeAll(async () => {
  const models = { ...Object.fromEntries(FAMILIES.map(({ name, ...speech }) => [name, speech])), WRONG, WORDS };
  for (const [id, speech] of Object.entries(models)) {
    const file = join(folder.path, `${id.replaceAll(' ', '-')}.gguf`);
    const { vocabulary = [] } = speech as { vocabulary?: readonly string[] };
    writeFileSync(file, speakingModel({ ...speech, alsoControl: vocabulary, contextLength: 4096 }));
  }
});
afterAll(async () => {
  await host.close();
  folder.remove();
});

let loaded: string | undefined;

/** Loads a model in place of the one before. */
async function load(id: string): Promise<void> {
  if (loaded === id) return;
  if (loaded !== undefined) await host.models.unload(loaded);
  const file = join(folder.path, `${id.replaceAll(' ', '-')}.gguf`);
  await host.load(await loadRequest(id, file, { contextSize: 4096 }));
  loaded = id;
}

async function ask(
  id: string,
  chat: ChatOptions = {},
  more: { messages?: ChatMessage[]; constraint?: Constraint; maxNewTokens?: number } = {},
) {
  await load(id);
  const events: GenerationProgress[] = [];
  const { messages = [{ role: 'user', content: 'Weather?' }], constraint, maxNewTokens = 60 } = more;
  const result = await host.models.generate(
    id,
    {
      input: { messages, chat: { tools: TOOLS, ...chat } },
      maxNewTokens,
      stop: [],
      sampling: GREEDY,
      ...(constraint === undefined ? {} : { constraint }),
    },
    { onProgress: (event) => events.push(event) },
  );
  expect(events.filter((event) => event.type === 'toolCall')).toEqual(
    result.toolCalls.map((call, index) => ({ type: 'toolCall', index, call })),
  );
  const streamed = events.map((event) => (event.type === 'text' && event.kind === 'answer' ? event.text : '')).join('');
  expect(streamed).toBe(result.text);
  return result;
}

describe('A call of a tool', () => {
  it.each(FAMILIES)(
    'in the format of $name is apart from the text, and its result goes back',
    async ({ name, text }) => {
      const result = await ask(name);
      expect(result).toMatchObject({
        text: text ?? '',
        toolCalls: [{ id: expect.stringMatching(/^.{1,40}$/), name: 'get_weather', arguments: '{"town":"Bern"}' }],
        finishReason: 'tool_calls',
        ignored: [],
      });
      const { prompt } = await host.models.render(name, {
        messages: [
          { role: 'user', content: 'Weather?' },
          { role: 'assistant', content: null, tool_calls: toolCallFields(result.toolCalls) },
          {
            role: 'tool',
            content: 'It is 21 degrees',
            tool_call_id: result.toolCalls[0]?.id ?? '',
            name: 'get_weather',
          },
        ],
        chat: { tools: TOOLS },
      });
      expect(prompt).toContain('It is 21 degrees');
      expect(prompt.split('get_weather').length).toBeGreaterThan(2);
    },
  );

  it('cannot have arguments that the schema forbids', async () => {
    const { text, toolCalls } = await ask('WRONG');
    expect(text).toBe('');
    for (const call of toolCalls) expect(JSON.parse(call.arguments).days).toBeLessThan(8);
  });

  it('is text in a request without tools', async () => {
    const { text, toolCalls, finishReason } = await ask('WRONG', { tools: undefined });
    expect({ text, toolCalls, finishReason }).toEqual({
      text: WRONG.pieces.join(''),
      toolCalls: [],
      finishReason: 'stop',
    });
  });

  it('is forced where one is required, whatever the model would say', async () => {
    const chat: ChatOptions = { toolChoice: { name: 'list_notes' } };
    expect(await ask('WORDS', chat, { maxNewTokens: 200 })).toMatchObject({
      text: '',
      toolCalls: [{ name: 'list_notes', arguments: '{}' }],
      finishReason: expect.stringMatching(/tool_calls|length/),
    });
  });

  it('may come instead of an answer that a schema constrains', async () => {
    const constraint = { jsonSchema: { const: 'yes' } };
    const { text, toolCalls } = await ask('WORDS', {}, { constraint, maxNewTokens: 200 });
    // A model without sense may choose either, or not come to its end.
    expect(toolCalls.length === 1 || '"yes"'.startsWith(text)).toBe(true);
    expect(text).not.toContain('words');
  });
});
