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
): Pick<RemoteRequest, 'path'> & { body: JsonObject; ignored: readonly string[] } {
  const { input, maxNewTokens, stop, sampling, constraint } = order;
  const { temperature, topP, topK, minP, repetitionPenalty, seed } = sampling;
  const { presencePenalty = 0, frequencyPenalty = 0 } = sampling;
  const body: JsonObject = {
    model,
    stream: true,
    stream_options: { include_usage: true },
    max_tokens: maxNewTokens,
    temperature,
    top_p: topP,
    seed,
    ...(presencePenalty === 0 ? {} : { presence_penalty: presencePenalty }),
    ...(frequencyPenalty === 0 ? {} : { frequency_penalty: frequencyPenalty }),
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
    body.response_format =
      'json' in constraint
        ? { type: 'json_object' }
        : {
            type: 'json_schema',
            json_schema: { name: 'output', strict: constraint.strict ?? true, schema: constraint.jsonSchema },
          };
  }
  if ('prompt' in input) return { path: '/completions', body: { ...body, prompt: input.prompt }, ignored: [] };
  const { ignored, fields } = chatOptions(input.chat, endpoint);
  const messages = input.messages.map((message) => remoteMessage(message, endpoint));
  return { path: '/chat/completions', body: { ...body, ...fields, messages }, ignored };
}

/** Fields of a message that OpenAI's API has. Some engines refuse others. */
const MESSAGE_FIELDS = ['name', 'tool_calls', 'tool_call_id'] as const;

/** Reasoning of earlier answers goes to engines whose templates may want it. OpenAI refuses it. */
const REASONING_FIELD = 'reasoning_content';

function remoteMessage(message: ChatMessage, { takesMoreSettings }: Endpoint): JsonObject {
  const { role, content = '' } = message;
  const names = takesMoreSettings ? [...MESSAGE_FIELDS, REASONING_FIELD] : MESSAGE_FIELDS;
  const fields = names.filter((name) => message[name] !== undefined).map((name) => [name, message[name]]);
  return { role, content, ...Object.fromEntries(fields) };
}

/** How the engine is to write the conversation, as far as it can be told; and what it cannot be told. */
function chatOptions(
  chat: ChatOptions = {},
  { takesMoreSettings }: Endpoint,
): { fields: JsonObject; ignored: readonly string[] } {
  const { template, variables, now, tools, continues, reasoning = 'auto', maxReasoningTokens } = chat;
  const refused = (field: string, value: unknown) =>
    invalidField(field, 'absent for a model of another engine, which writes its prompts itself', value);
  if (template !== undefined) throw refused('settings.chat_template', template);
  if (now !== undefined) throw refused('settings.now', now);
  if (variables !== undefined && !takesMoreSettings) throw refused('settings.template_kwargs', variables);
  if (continues === true && !takesMoreSettings) throw refused('continue', continues);
  const ignored = [
    ...(tools === undefined ? [] : ['tools']),
    ...(maxReasoningTokens === undefined ? [] : ['settings.max_reasoning_tokens']),
  ];
  if (!takesMoreSettings) {
    const effort = { reasoning_effort: reasoning === 'off' ? 'none' : reasoning };
    return { fields: reasoning === 'auto' ? {} : effort, ignored };
  }
  const switches = reasoning === 'auto' ? {} : { enable_thinking: reasoning !== 'off' };
  const kwargs = { ...switches, ...variables };
  return {
    fields: {
      // So vLLM calls it; llama-server continues a last message of the assistant in any case.
      ...(continues === true ? { continue_final_message: true, add_generation_prompt: false } : {}),
      // Engines that take more settings have the values of the first models with an effort: `none` is not among them.
      ...(reasoning === 'auto' || reasoning === 'off' ? {} : { reasoning_effort: reasoning }),
      // So llama-server and vLLM call it.
      ...(Object.keys(kwargs).length === 0 ? {} : { chat_template_kwargs: kwargs }),
    },
    ignored,
  };
}
