import { invalidField } from '../common/host-errors.ts';
import type { JsonObject } from '../common/json.ts';
import type { ChatMessage, ChatOptions, GenerateRequest } from '../models/generation.ts';
import type { Endpoint } from './endpoint.ts';
import type { RemoteRequest } from './http.ts';

/**
 * A generation in OpenAI's terms: a conversation for `/chat/completions`, a prompt for `/completions`. Settings that
 * OpenAI does not have go only to engines that take more (llama-server, LM Studio, vLLM and Ollama read them; OpenAI
 * refuses requests that have them).
 *
 * @throws HostError `INVALID_REQUEST` for a GBNF grammar: most engines would pass over it without a word.
 */
export function generationRequest(
  order: GenerateRequest,
  model: string,
  endpoint: Endpoint,
): Pick<RemoteRequest, 'path'> & { body: JsonObject } {
  const { input, maxNewTokens, stop, sampling, constraint } = order;
  const { temperature, topP, topK, minP, repetitionPenalty, seed } = sampling;
  const body: JsonObject = {
    model,
    stream: true,
    stream_options: { include_usage: true },
    max_tokens: maxNewTokens,
    temperature,
    top_p: topP,
    seed,
    ...(stop.length === 0 ? {} : { stop: [...stop] }),
    ...(endpoint.takesMoreSettings
      ? {
          top_k: topK,
          min_p: minP,
          // llama-server and LM Studio call it by the one name, vLLM by the other.
          repeat_penalty: repetitionPenalty,
          repetition_penalty: repetitionPenalty,
        }
      : {}),
  };
  if (constraint !== undefined) {
    if ('grammar' in constraint) {
      throw invalidField(
        'settings.grammar',
        'absent for a model of another engine, which takes `settings.json_schema`',
        constraint.grammar,
      );
    }
    body.response_format = {
      type: 'json_schema',
      json_schema: { name: 'output', strict: true, schema: constraint.jsonSchema },
    };
  }
  if ('prompt' in input) return { path: '/completions', body: { ...body, prompt: input.prompt } };
  Object.assign(body, chatOptions(input.chat, endpoint));
  const messages = input.messages.map(remoteMessage);
  return { path: '/chat/completions', body: { ...body, messages } };
}

/** Fields of a message that OpenAI's API has. Some engines refuse others. */
const MESSAGE_FIELDS = ['name', 'tool_calls', 'tool_call_id'] as const;

function remoteMessage(message: ChatMessage): JsonObject {
  const { role, content = '' } = message;
  const fields = MESSAGE_FIELDS.filter((name) => message[name] !== undefined).map((name) => [name, message[name]]);
  return { role, content, ...Object.fromEntries(fields) };
}

/** How the engine is to write the conversation, in the terms of those that can be told. */
function chatOptions(chat: ChatOptions = {}, endpoint: Endpoint): JsonObject {
  const { template, variables, now } = chat;
  const refused = (field: string, value: unknown) =>
    invalidField(field, 'absent for a model of another engine, which writes its prompts itself', value);
  if (template !== undefined) throw refused('settings.chat_template', template);
  if (now !== undefined) throw refused('settings.now', now);
  if (variables === undefined) return {};
  if (!endpoint.takesMoreSettings) throw refused('settings.template_kwargs', variables);
  // So llama-server and vLLM call it.
  return { chat_template_kwargs: variables };
}
