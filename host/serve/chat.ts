import { randomUUID } from 'node:crypto';
import { defined } from '../common/defined.ts';
import { isJsonObject, type JsonValue } from '../common/json.ts';
import type { HostEvent } from '../protocol/messages.ts';
import { finishReasonOf, type Generated, ignoredFields, usageOf } from './answer.ts';
import { type ApiCall, now } from './api-call.ts';
import { invalidParam } from './api-error.ts';
import { type EventSink, eventStream } from './event-stream.ts';
import { generateFields, streamOptions, withLength } from './generate-fields.ts';

const OWN_FIELDS = ['messages', 'tools', 'tool_choice', 'parallel_tool_calls'];

/** A part of a streamed answer. */
interface ChatChunk {
  readonly id: string;
  readonly object: 'chat.completion.chunk';
  readonly created: number;
  readonly model: string;
  readonly choices: readonly ChunkChoice[];
  readonly usage?: ReturnType<typeof usageOf> | null;
  readonly ignored?: readonly string[];
}

interface ChunkChoice {
  readonly index: 0;
  readonly delta: Delta;
  readonly finish_reason: string | null;
  readonly logprobs: null;
}

interface Delta {
  readonly role?: 'assistant';
  readonly content?: string;
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly object[];
}

/** `POST /v1/chat/completions`. */
export async function chatCompletions(call: ApiCall): Promise<Response> {
  const { body, client, models, signal } = call;
  const { settings, ignored } = generateFields(body, OWN_FIELDS);
  const { stream, includeUsage } = streamOptions(body);
  const id = `chatcmpl-${randomUUID()}`;
  const created = now();
  let model = '';
  const generate = (onEvent?: (event: HostEvent) => void, canRepeat?: () => boolean) =>
    models.use(
      body.model,
      signal,
      (ready) => {
        model = ready.id;
        const fields = {
          modelId: ready.id,
          messages: messagesOf(body.messages),
          ...presentOf({ tools: body.tools, tool_choice: body.tool_choice }),
          ...presentOf({ parallel_tool_calls: body.parallel_tool_calls }),
          settings: withLength(settings, ready),
        };
        return client.request('GENERATE', fields, { signal, ...defined({ onEvent }) });
      },
      canRepeat,
    );

  if (!stream) {
    const reply = await generate();
    const { payload } = reply;
    return Response.json({
      id,
      object: 'chat.completion',
      created,
      model: payload.modelId,
      choices: [{ index: 0, message: messageOf(payload), finish_reason: finishReasonOf(payload), logprobs: null }],
      usage: usageOf(payload),
      ...ignoredFields(ignored, reply),
    });
  }

  return eventStream<ChatChunk>(
    async (sink) => {
      const usage = includeUsage ? { usage: null } : {};
      const chunk = (delta: Delta, finish_reason: string | null = null): ChatChunk => ({
        ...{ id, object: 'chat.completion.chunk', created, model },
        choices: [{ index: 0, delta, finish_reason, logprobs: null }],
        ...usage,
      });
      const reply = await generate(deltasTo(sink, chunk), () => !sink.hasStarted);
      const { payload } = reply;
      sink.write({ ...chunk({}, finishReasonOf(payload)), ...ignoredFields(ignored, reply) });
      if (includeUsage) sink.write({ ...chunk({}), choices: [], usage: usageOf(payload) });
    },
    { join: joined, abort: call.abort },
  );
}

/** Returns a listener that writes the events of a generation as parts of the answer, after a first part with the role. */
function deltasTo(sink: EventSink<ChatChunk>, chunk: (delta: Delta) => ChatChunk): (event: HostEvent) => void {
  return (event) => {
    const delta = deltaOf(event);
    if (delta === undefined) return;
    if (!sink.hasStarted) sink.write(chunk({ role: 'assistant', content: '' }));
    if (Object.keys(delta).length > 0) sink.write(chunk(delta));
  };
}

/** Returns the part of an answer that an event has; an empty one for the progress of the prompt. */
function deltaOf({ type, payload }: HostEvent): Delta | undefined {
  switch (type) {
    case 'generationPromptProgress':
      return {};
    case 'generationUpdate':
      return {
        ...(payload.token === '' ? {} : { content: payload.token }),
        ...(payload.reasoning === undefined ? {} : { reasoning_content: payload.reasoning }),
      };
    case 'generationToolCall': {
      const { index, id, name, arguments: text } = payload;
      return { tool_calls: [{ index, id, type: 'function', function: { name, arguments: text } }] };
    }
    default:
      return undefined;
  }
}

/** Joins the texts of two parts of an answer. */
function joined(earlier: ChatChunk, later: ChatChunk): ChatChunk | undefined {
  const [first, second] = [earlier.choices[0], later.choices[0]];
  if (first?.finish_reason !== null || second?.finish_reason !== null) return undefined;
  const { delta: a } = first;
  const { delta: b } = second;
  if (isText(a, 'content') && isText(b, 'content')) return withDelta(earlier, { content: a.content + b.content });
  if (!isText(a, 'reasoning_content') || !isText(b, 'reasoning_content')) return undefined;
  return withDelta(earlier, { reasoning_content: a.reasoning_content + b.reasoning_content });
}

function isText<K extends 'content' | 'reasoning_content'>(delta: Delta, key: K): delta is Delta & Record<K, string> {
  return delta[key] !== undefined && Object.keys(delta).length === 1;
}

function withDelta(chunk: ChatChunk, delta: Delta): ChatChunk {
  return { ...chunk, choices: [{ index: 0, delta, finish_reason: null, logprobs: null }] };
}

function messageOf({ output, reasoning, tool_calls }: Generated) {
  return {
    role: 'assistant',
    content: output === '' && tool_calls !== undefined ? null : output,
    refusal: null,
    ...(reasoning === undefined ? {} : { reasoning_content: reasoning }),
    ...(tool_calls === undefined ? {} : { tool_calls }),
  };
}

/** Returns the messages for the chat template, in which the role `developer` is that of the system. */
function messagesOf(messages: JsonValue | undefined): JsonValue {
  if (!Array.isArray(messages)) throw invalidParam('messages', 'a list of messages');
  return messages.map((message) =>
    isJsonObject(message) && message.role === 'developer' ? { ...message, role: 'system' } : message,
  );
}

/** The fields that are neither absent nor null. */
function presentOf(fields: Readonly<Record<string, JsonValue | undefined>>): Record<string, JsonValue> {
  return Object.fromEntries(
    Object.entries(fields).filter((field): field is [string, JsonValue] => field[1] !== undefined && field[1] !== null),
  );
}
