import { describe, expect, it } from '@jest/globals';
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionCreateParams,
  ChatCompletionMessageFunctionToolCall,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions';
import { validate } from '../../../host/common/validate.ts';
import { generate } from '../../../host/protocol/actions/generation.ts';
import type { EventPayloads, PayloadOf, RequestOf } from '../../../host/protocol/messages.ts';

type Request = RequestOf<'GENERATE'>;
type Settings = NonNullable<Request['settings']>;
type Reply = PayloadOf<'GENERATE'>;

/** Fields of requests that have OpenAI's names and, as the compiler checks here, accept OpenAI's values. */
type SharedFields = Pick<ChatCompletionCreateParams, 'tool_choice'> & {
  readonly messages: readonly ChatCompletionMessageParam[];
  readonly tools?: readonly Extract<
    NonNullable<ChatCompletionCreateParams['tools']>[number],
    { readonly type: 'function' }
  >[];
  readonly parallel_tool_calls?: boolean;
};

/** The same for settings. Null is the default there, and is left out here. */
type SharedSettings = {
  readonly [K in
    | 'temperature'
    | 'top_p'
    | 'seed'
    | 'stop'
    | 'max_tokens'
    | 'max_completion_tokens'
    | 'presence_penalty'
    | 'frequency_penalty'
    | 'logit_bias'
    | 'response_format']?: Exclude<ChatCompletionCreateParams[K], null>;
};

/** Checks at compile time that one type can be used for another. */
function usable<From extends To, To>(value: From): To {
  return value;
}

const WEATHER = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'Weather of a town',
    parameters: { type: 'object', properties: { town: { type: 'string' } }, required: ['town'] },
    strict: true,
  },
} as const;

const MESSAGES: readonly ChatCompletionMessageParam[] = [
  { role: 'developer', content: 'Be brief.' },
  { role: 'system', content: [{ type: 'text', text: 'Be kind.' }] },
  {
    role: 'user',
    content: [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==', detail: 'low' } },
    ],
    name: 'anna',
  },
  {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{"town":"Bern"}' } }],
  },
  { role: 'tool', tool_call_id: 'call_1', content: 'Sun' },
  { role: 'assistant', content: 'A picture.', refusal: null },
  { role: 'user', content: 'And now?' },
];

const REQUESTS: readonly SharedFields[] = [
  { messages: MESSAGES },
  { messages: MESSAGES, tools: [WEATHER], tool_choice: 'auto', parallel_tool_calls: false },
  { messages: MESSAGES, tools: [WEATHER], tool_choice: 'none' },
  { messages: MESSAGES, tools: [WEATHER], tool_choice: 'required' },
  { messages: MESSAGES, tools: [WEATHER], tool_choice: { type: 'function', function: { name: 'get_weather' } } },
];

const SETTINGS: readonly SharedSettings[] = [
  { temperature: 0.2, top_p: 0.9, seed: 7, stop: 'END', max_tokens: 10 },
  { stop: ['a', 'b'], max_completion_tokens: 10, presence_penalty: -2, frequency_penalty: 2 },
  { logit_bias: { '12': -100, '13': 100 } },
  { response_format: { type: 'text' } },
  { response_format: { type: 'json_object' } },
  {
    response_format: {
      type: 'json_schema',
      json_schema: { name: 'town', description: 'A town', strict: true, schema: { type: 'object', properties: {} } },
    },
  },
];

describe("the names that GENERATE shares with OpenAI's Chat Completions", () => {
  it.each(REQUESTS.map((request) => [request.tool_choice ?? 'no tools', request] as const))(
    'have the same values in requests: %j',
    (_choice, request) => {
      expect(validate(generate.request, request)).toMatchObject({ success: true, output: request });
    },
  );

  it.each(SETTINGS.map((settings) => [settings]))('have the same values in settings: %j', (settings) => {
    const request = { messages: [...MESSAGES], settings };
    expect(validate(generate.request, request)).toMatchObject({ success: true, output: request });
  });

  it('have the same types', () => {
    usable<SharedSettings['stop'], Settings['stop']>(undefined);
    usable<SharedSettings['temperature'], Settings['temperature']>(undefined);
    usable<SharedSettings['max_completion_tokens'], Settings['max_completion_tokens']>(undefined);
    usable<SharedSettings['logit_bias'], Settings['logit_bias']>(undefined);
    usable<Exclude<Request['tool_choice'], undefined>, NonNullable<ChatCompletionCreateParams['tool_choice']>>('auto');
    // Calls can be sent back unchanged, to this host or another one.
    const call = { id: 'c', type: 'function' as const, function: { name: 'f', arguments: '{}' } };
    const ours = usable<ChatCompletionMessageFunctionToolCall, NonNullable<Reply['tool_calls']>[number]>(call);
    const theirs = usable<NonNullable<Reply['tool_calls']>[number], ChatCompletionMessageFunctionToolCall>(ours);
    expect(theirs).toEqual(call);
    // `stopped` is the only reason that OpenAI does not have.
    usable<Exclude<Reply['finishReason'], 'stopped'>, ChatCompletion.Choice['finish_reason']>('length');
    type Delta = NonNullable<ChatCompletionChunk.Choice.Delta.ToolCall['function']>;
    usable<Pick<EventPayloads['generationToolCall'], 'name' | 'arguments'>, Delta>({ name: 'f', arguments: '{}' });
  });
});
