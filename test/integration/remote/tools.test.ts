import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ChatOptions, GenerationProgress } from '../../../host/models/generation.ts';
import { type Behaviour, EngineWithFaults, startStream } from '../../support/remote/engine-with-faults.ts';
import { generateRequest, type OpenRemote, openRemote } from '../../support/remote/open-remote.ts';
import { TOOLS } from '../../support/tools/families.ts';

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
function deltas(list: readonly object[], finish = 'tool_calls'): Behaviour {
  return (response) => {
    startStream(response);
    const send = (chunk: object) => response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    for (const delta of list) send({ choices: [{ index: 0, delta, finish_reason: null }] });
    send({ choices: [{ index: 0, delta: {}, finish_reason: finish }] });
    response.end('data: [DONE]\n\n');
  };
}

const piece = (index: number, called: object, id?: string) => ({ tool_calls: [{ index, id, function: called }] });

async function ask(chat: ChatOptions = { tools: TOOLS }) {
  await remote.load(ID);
  const events: GenerationProgress[] = [];
  const messages = [{ role: 'user', content: 'hello' }];
  const result = await remote.models.generate(ID, generateRequest({ input: { messages, chat } }), {
    onProgress: (event) => events.push(event),
  });
  return { ...result, events };
}

describe('tool calls by a remote engine', () => {
  it('are assembled from deltas, and reported when they are complete', async () => {
    engine.next(
      deltas([
        { content: 'Wait. ' },
        piece(0, { name: 'get_weather', arguments: '' }, 'a1'),
        piece(0, { arguments: '{"town": ' }),
        piece(0, { arguments: '"Bern"}' }),
        piece(1, { name: 'list_notes', arguments: '{}' }, 'a2'),
      ]),
    );
    const calls = [
      { id: 'a1', name: 'get_weather', arguments: '{"town": "Bern"}' },
      { id: 'a2', name: 'list_notes', arguments: '{}' },
    ];
    const { events, ...result } = await ask();
    expect(result).toMatchObject({ text: 'Wait. ', toolCalls: calls, finishReason: 'tool_calls', ignored: [] });
    expect(events.filter(({ type }) => type === 'toolCall')).toEqual(
      calls.map((call, index) => ({ type: 'toolCall', index, call })),
    );
  });

  it('may lack an ID, an index and arguments, and may have an object as arguments', async () => {
    engine.next(
      deltas(
        [
          {
            tool_calls: [
              { function: { name: 'get_weather', arguments: { town: 'Bern' } } },
              { function: { name: 'list_notes' } },
            ],
          },
        ],
        'stop',
      ),
    );
    expect(await ask()).toMatchObject({
      toolCalls: [
        { id: expect.stringMatching(/^\w{9}$/), name: 'get_weather', arguments: '{"town":"Bern"}' },
        { id: expect.stringMatching(/^\w{9}$/), name: 'list_notes', arguments: '{}' },
      ],
      finishReason: 'tool_calls',
    });
  });

  it.each<[string, object[]]>([
    ['whose arguments are no object', [piece(0, { name: 'get_weather', arguments: '{"town"' })]],
    ['without a name', [piece(0, { arguments: '{}' })]],
    ['whose numbers have gaps', [piece(7, { name: 'get_weather', arguments: '{}' })]],
    ['without end', Array.from({ length: 5 }, () => piece(0, { name: 'get_weather', arguments: 'x'.repeat(60_000) }))],
  ])('%s are reported as an error of the engine', async (_what, list) => {
    engine.next(deltas(list));
    await expect(ask()).rejects.toMatchObject({ code: 'REMOTE_ERROR' });
  });

  it('that are cut off are not reported', async () => {
    engine.next(deltas([piece(0, { name: 'get_weather', arguments: '{"to' })], 'length'));
    expect(await ask()).toMatchObject({ toolCalls: [], finishReason: 'length' });
  });

  it('are requested as the request specifies', async () => {
    engine.next(deltas([{ content: 'Hi' }], 'stop'));
    await ask({ tools: TOOLS, toolChoice: { name: 'list_notes' }, parallelToolCalls: false });
    expect(engine.generations.at(-1)?.body).toMatchObject({
      tools: TOOLS,
      tool_choice: { type: 'function', function: { name: 'list_notes' } },
      parallel_tool_calls: false,
    });
    engine.next(deltas([{ content: 'Hi' }], 'stop'));
    await ask({});
    expect(engine.generations.at(-1)?.body).not.toHaveProperty('tools');
  });
});
