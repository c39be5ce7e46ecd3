import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ChatOptions, GenerationProgress } from '../../../host/models/generation.ts';
import { type Behaviour, EngineWithFaults, startStream } from '../../support/remote/engine-with-faults.ts';
import { generateRequest, type OpenRemote, openRemote } from '../../support/remote/open-remote.ts';

const ID = 'remote/far/small';

let engine: EngineWithFaults;
let remote: OpenRemote;
beforeEach(async () => {
  engine = await EngineWithFaults.start();
  remote = openRemote();
  remote.configure([{ name: 'far', url: engine.url }]);
});
afterEach(async () => {
  await remote.close();
  await engine.close();
});

/** Streams an answer of these deltas. */
function deltas(list: readonly object[], usage?: object): Behaviour {
  return (response) => {
    startStream(response);
    const send = (chunk: object) => response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    for (const delta of list) send({ choices: [{ index: 0, delta, finish_reason: null }] });
    send({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], ...(usage === undefined ? {} : { usage }) });
    response.end('data: [DONE]\n\n');
  };
}

async function ask(chat: ChatOptions = {}, fields = {}) {
  await remote.load(ID);
  const told: string[] = [];
  const onProgress = (event: GenerationProgress) => {
    if (event.type === 'text') told.push(`${event.kind}: ${event.text}`);
  };
  const message = { role: 'user', content: 'hello', ...fields };
  const result = await remote.models.generate(ID, generateRequest({ input: { messages: [message], chat } }), {
    onProgress,
  });
  return { ...result, told };
}

describe('reasoning of a remote engine', () => {
  it.each(['reasoning_content', 'reasoning'])('arrives in %s, apart from the answer', async (name) => {
    engine.next(deltas([{ content: null, [name]: 'I ' }, { [name]: 'think.' }, { content: 'Hi' }]));
    expect(await ask()).toMatchObject({
      text: 'Hi',
      reasoning: 'I think.',
      told: ['reasoning: I ', 'reasoning: think.', 'answer: Hi'],
      usage: { completionTokens: 3, reasoningTokens: 2 },
    });
  });

  it('is counted as the engine reports it, and does not split characters', async () => {
    const usage = { completion_tokens: 9, completion_tokens_details: { reasoning_tokens: 7 } };
    engine.next(deltas([{ reasoning: '\ud83d' }, { reasoning: '\ude00' }, { content: 'Hi' }], usage));
    expect(await ask()).toMatchObject({ reasoning: '😀', usage: { completionTokens: 9, reasoningTokens: 7 } });
  });

  it('is ignored if it is not text', async () => {
    engine.next(deltas([{ reasoning: { text: 'x' } }, { content: 'Hi' }]));
    expect(await ask()).toMatchObject({ reasoning: '', text: 'Hi' });
  });

  it('counts as progress: an answer that breaks off after it is not retried', async () => {
    engine.next((response) => {
      startStream(response);
      response.write('data: {"choices":[{"index":0,"delta":{"reasoning_content":"Hm"}}]}\n\n', () =>
        response.destroy(),
      );
    });
    await expect(ask()).rejects.toMatchObject({ code: 'REMOTE_CUT', details: { pieces: 1 } });
    expect(engine.generations).toHaveLength(1);
  });
});

describe('a reasoning level', () => {
  const bodyOf = async (chat: ChatOptions) => {
    const { ignored } = await ask(chat);
    const { reasoning_effort, chat_template_kwargs } = engine.generations.at(-1)?.body ?? {};
    return { reasoning_effort, chat_template_kwargs, ignored };
  };

  it('is sent to an engine with additional settings as an effort and a template variable', async () => {
    expect(await bodyOf({})).toEqual({ ignored: [] });
    expect(await bodyOf({ reasoning: 'high' })).toEqual({
      reasoning_effort: 'high',
      chat_template_kwargs: { enable_thinking: true },
      ignored: [],
    });
    expect(await bodyOf({ reasoning: 'off', variables: { a: 1 } })).toEqual({
      chat_template_kwargs: { enable_thinking: false, a: 1 },
      ignored: [],
    });
  });

  it('is sent to other engines as an effort', async () => {
    remote.configure([{ name: 'far', url: engine.url, moreSettings: false }]);
    expect(await bodyOf({ reasoning: 'off' })).toEqual({ reasoning_effort: 'none', ignored: [] });
    expect(await bodyOf({ reasoning: 'low' })).toEqual({ reasoning_effort: 'low', ignored: [] });
  });

  it('has no token limit, which is reported', async () => {
    expect(await bodyOf({ maxReasoningTokens: 5 })).toEqual({ ignored: ['settings.max_reasoning_tokens'] });
  });
});

describe('reasoning of an earlier answer', () => {
  it('is sent only to an engine with additional settings', async () => {
    await ask({}, { role: 'assistant', reasoning_content: 'Hm' });
    expect(engine.generations.at(-1)?.body.messages).toEqual([
      { role: 'assistant', content: 'hello', reasoning_content: 'Hm' },
    ]);
    remote.configure([{ name: 'far', url: engine.url, moreSettings: false }]);
    await ask({}, { role: 'assistant', reasoning_content: 'Hm' });
    expect(engine.generations.at(-1)?.body.messages).toEqual([{ role: 'assistant', content: 'hello' }]);
  });
});

describe('a request to a remote engine', () => {
  const bodyOf = async (changes: Parameters<typeof generateRequest>[0]) => {
    await remote.load(ID);
    const { ignored } = await remote.models.generate(ID, generateRequest(changes));
    return { ...engine.generations.at(-1)?.body, ignored };
  };
  const messages = [{ role: 'user', content: 'hello' }];

  it('contains the penalties and the response format', async () => {
    const sampling = { ...generateRequest().sampling, presencePenalty: 1, frequencyPenalty: 0.5 };
    expect(await bodyOf({ sampling, constraint: { json: true } })).toMatchObject({
      presence_penalty: 1,
      frequency_penalty: 0.5,
      response_format: { type: 'json_object' },
    });
    expect(await bodyOf({})).not.toHaveProperty('presence_penalty');
  });

  it('continues an answer if the engine supports it', async () => {
    const input = { messages, chat: { continues: true } };
    expect(await bodyOf({ input })).toMatchObject({ continue_final_message: true, add_generation_prompt: false });
    remote.configure([{ name: 'far', url: engine.url, moreSettings: false }]);
    await expect(bodyOf({ input })).rejects.toMatchObject({ code: 'INVALID_REQUEST', details: { field: 'continue' } });
  });

  it('reports settings without effect, and fails for them if it is strict', async () => {
    const input = { messages, chat: { maxReasoningTokens: 3 } };
    const field = 'settings.max_reasoning_tokens';
    expect(await bodyOf({ input })).toMatchObject({ ignored: [field] });
    await expect(bodyOf({ input, strict: true })).rejects.toMatchObject({ details: { field } });
    expect(engine.generations).toHaveLength(1);
  });
});
