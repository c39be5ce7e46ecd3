import type { PayloadOf, RequestOf } from '../../../host/protocol/messages.ts';
import { type Constraint, type Message, TabAgentError, type Verbs } from '../../web-ai/client.ts';
import type { CountedMessage } from './fit.ts';
import type { CallerHost, ReadyModel } from './models.ts';
import { type CallerRequest, SAMPLING } from './read-request.ts';

/** The longest answer, tokens. */
const MAX_ANSWER = 4_096;

/** The shortest answer to leave room for, tokens. */
const MIN_ANSWER = 16;

/** Longest prefix of a constrained answer, UTF-16 code units: the host's limit. */
const MAX_PREFIX = 4_096;

type ChatMessage = NonNullable<RequestOf<'GENERATE'>['messages']>[number];
type Settings = NonNullable<RequestOf<'GENERATE'>['settings']>;

/** One answer. */
export interface Generation {
  readonly model: ReadyModel;
  readonly request: CallerRequest;
  readonly messages: readonly CountedMessage[];
  readonly toolTokens: number;
  readonly signal: AbortSignal;
  readonly onChunk: (text: string) => void;
}

/**
 * Generates an answer. When the signal aborts, the host stops, and this resolves with the text so far.
 *
 * @throws TabAgentError for a prefix that is too long for a constraint; the error of the host.
 */
export async function generate(host: CallerHost, generation: Generation): Promise<PayloadOf<'GENERATE'>> {
  const { request, model, signal, onChunk } = generation;
  const fields: Partial<RequestOf<'GENERATE'>> = {
    modelPath: model.id,
    messages: generation.messages.map(toChatMessage),
    context_overflow: 'error',
    settings: settingsOf(generation),
    ...(request.tools.length === 0 ? {} : { tools: request.tools.map(toFunction) }),
    ...(request.continues ? { continue: true } : {}),
  };
  let own: string | undefined;
  const stop = () => {
    // If the host has exited, nothing is being generated.
    if (own !== undefined) host.request('STOP_GENERATION', { targetRequestId: own }).catch(() => {});
  };
  const ignore = host.onEvent((event) => {
    if (event.type !== 'generationUpdate' || String(event.requestId) !== own || signal.aborted) return;
    if (event.payload.token !== '') onChunk(event.payload.token);
  });
  signal.addEventListener('abort', stop);
  try {
    return await host.request('GENERATE', fields, (requestId) => {
      own = requestId;
      if (signal.aborted) stop();
    });
  } finally {
    ignore();
    signal.removeEventListener('abort', stop);
  }
}

function settingsOf({ request, messages, toolTokens, model }: Generation): Settings {
  const used = messages.reduce((sum, { tokens }) => sum + tokens, toolTokens);
  const prefix = request.continues ? (messages.at(-1)?.content ?? '') : '';
  return {
    ...SAMPLING[request.sampling],
    max_new_tokens: Math.min(MAX_ANSWER, Math.max(MIN_ANSWER, model.contextSize - used)),
    // Callers get no reasoning, so they would only wait for it.
    reasoning: 'off',
    ...(request.constraint === undefined ? {} : constraintOf(request.constraint, prefix)),
  };
}

function constraintOf(constraint: Constraint, prefix: string): Settings {
  if (prefix.length > MAX_PREFIX) {
    throw new TabAgentError('NotSupportedError', `With a constraint, a prefix has at most ${MAX_PREFIX} characters.`);
  }
  const more = prefix === '' ? {} : { constraint_prefix: prefix };
  if ('schema' in constraint) return { json_schema: constraint.schema as Record<string, unknown>, ...more };
  const { regex, flags = '' } = constraint;
  return { regex, ...(flags === '' ? {} : { regex_flags: flags }), ...more };
}

function toChatMessage(message: Message): ChatMessage {
  if (message.role === 'tool') {
    const { role, callId, name, content } = message;
    return { role, content, tool_call_id: callId, name } as ChatMessage;
  }
  const { role, content } = message;
  if (!('toolCalls' in message)) return { role, content };
  const calls = message.toolCalls.map(({ id, name, arguments: text }) => ({
    id,
    type: 'function',
    function: { name, arguments: text },
  }));
  return { role, content, tool_calls: calls } as ChatMessage;
}

function toFunction({ name, description, inputSchema }: CallerRequest['tools'][number]): Record<string, unknown> {
  return { type: 'function', function: { name, description, parameters: inputSchema } };
}

/** Returns the parts of an answer that a caller gets. */
export function resultOf(payload: PayloadOf<'GENERATE'>, tokens: number): Verbs['prompt']['result'] {
  const { output, finishReason, tool_calls: calls = [] } = payload;
  return {
    text: output,
    toolCalls: calls.map((call) => ({ id: call.id, name: call.function.name, arguments: call.function.arguments })),
    tokens,
    finish: finishReason === 'tool_calls' ? 'tool-calls' : finishReason === 'length' ? 'length' : 'stop',
  };
}
