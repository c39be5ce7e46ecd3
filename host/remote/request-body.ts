import { invalidField } from '../common/host-errors.ts';
import type { JsonObject } from '../common/json.ts';
import type { ChatMessage, ChatOptions, GenerateRequest } from '../models/generation.ts';
import type { Endpoint } from './endpoint.ts';
import type { RemoteRequest } from './http.ts';

/**
 * Converts a generation to a request of OpenAI's API: a conversation for `/chat/completions`, a prompt for
 * `/completions`. Settings that OpenAI does not support are sent only to engines that accept more settings
 * (llama-server, LM Studio, vLLM and Ollama use them; OpenAI rejects such requests).
 *
 * @throws HostError `INVALID_REQUEST` for a GBNF grammar, a regular expression, or the prefix of a constrained output,
 *   which most engines would silently ignore.
 */
export function generationRequest(
  request: GenerateRequest,
  model: string,
  endpoint: Endpoint,
): Pick<RemoteRequest, 'path'> & { body: JsonObject; ignored: readonly string[] } {
  const { input, maxNewTokens, stop, sampling, constraint } = request;
  const { temperature, topP, topK, minP, repetitionPenalty, seed } = sampling;
  const { presencePenalty = 0, frequencyPenalty = 0, xtc, dry, logitBias } = sampling;
  const unused = endpoint.takesMoreSettings
    ? []
    : [
        ...(xtc === undefined ? [] : ['settings.xtc_probability']),
        ...(dry === undefined ? [] : ['settings.dry_multiplier']),
      ];
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
    ...(logitBias === undefined ? {} : { logit_bias: { ...logitBias } }),
    ...(stop.length === 0 ? {} : { stop: [...stop] }),
    ...(endpoint.takesMoreSettings
      ? {
          top_k: topK,
          min_p: minP,
          // llama-server and LM Studio use the first name, vLLM the second.
          repeat_penalty: repetitionPenalty,
          repetition_penalty: repetitionPenalty,
          ...(xtc === undefined ? {} : { xtc_probability: xtc.probability, xtc_threshold: xtc.threshold }),
          ...(dry === undefined
            ? {}
            : {
                dry_multiplier: dry.multiplier,
                dry_base: dry.base,
                dry_allowed_length: dry.allowedLength,
                dry_penalty_last_n: dry.lastTokens ?? -1,
                dry_sequence_breakers: [...dry.sequenceBreakers],
              }),
        }
      : {}),
  };
  if (constraint !== undefined) {
    const elsewhere = 'absent for a model of another engine, which takes `settings.json_schema`';
    if ('grammar' in constraint) throw invalidField('settings.grammar', elsewhere, constraint.grammar);
    if ('regex' in constraint) throw invalidField('settings.regex', elsewhere, constraint.regex);
    if (constraint.prefix !== undefined) {
      throw invalidField('settings.constraint_prefix', 'absent for a model of another engine', constraint.prefix);
    }
    body.response_format =
      'json' in constraint
        ? { type: 'json_object' }
        : {
            type: 'json_schema',
            json_schema: { name: 'output', strict: constraint.strict ?? true, schema: constraint.jsonSchema },
          };
  }
  if ('prompt' in input) return { path: '/completions', body: { ...body, prompt: input.prompt }, ignored: unused };
  const { ignored, fields } = chatOptions(input.chat, endpoint);
  const messages = input.messages.map((message) => remoteMessage(message, endpoint));
  return { path: '/chat/completions', body: { ...body, ...fields, messages }, ignored: [...unused, ...ignored] };
}

/** The optional fields of a message in OpenAI's API. Some engines reject others. */
const MESSAGE_FIELDS = ['name', 'tool_calls', 'tool_call_id'] as const;

/** Field with the reasoning of an earlier answer, for engines whose templates may use it. OpenAI rejects it. */
const REASONING_FIELD = 'reasoning_content';

function remoteMessage(message: ChatMessage, { takesMoreSettings }: Endpoint): JsonObject {
  const { role, content = '' } = message;
  const names = takesMoreSettings ? [...MESSAGE_FIELDS, REASONING_FIELD] : MESSAGE_FIELDS;
  const fields = names.filter((name) => message[name] !== undefined).map((name) => [name, message[name]]);
  return { role, content, ...Object.fromEntries(fields) };
}

/** Returns the fields for the tools of a request. An engine that does not support tools reports an error. */
function toolFields({ tools = [], toolChoice = 'auto', parallelToolCalls }: ChatOptions): JsonObject {
  if (tools.length === 0) return {};
  const choice = typeof toolChoice === 'string' ? toolChoice : { type: 'function', function: { ...toolChoice } };
  return {
    tools: [...tools],
    ...(toolChoice === 'auto' ? {} : { tool_choice: choice }),
    ...(parallelToolCalls === undefined ? {} : { parallel_tool_calls: parallelToolCalls }),
  };
}

/**
 * Returns the fields for rendering the conversation, and the names of settings for which the engine has no field.
 */
function chatOptions(
  chat: ChatOptions = {},
  { takesMoreSettings }: Endpoint,
): { fields: JsonObject; ignored: readonly string[] } {
  const { template, variables, now, continues, reasoning = 'auto', maxReasoningTokens } = chat;
  const refused = (field: string, value: unknown) =>
    invalidField(field, 'absent for a model of another engine, which writes its prompts itself', value);
  if (template !== undefined) throw refused('settings.chat_template', template);
  if (now !== undefined) throw refused('settings.now', now);
  if (variables !== undefined && !takesMoreSettings) throw refused('settings.template_kwargs', variables);
  if (continues === true && !takesMoreSettings) throw refused('continue', continues);
  const ignored = maxReasoningTokens === undefined ? [] : ['settings.max_reasoning_tokens'];
  const calls = toolFields(chat);
  if (!takesMoreSettings) {
    const effort = { reasoning_effort: reasoning === 'off' ? 'none' : reasoning };
    return { fields: { ...calls, ...(reasoning === 'auto' ? {} : effort) }, ignored };
  }
  const switches = reasoning === 'auto' ? {} : { enable_thinking: reasoning !== 'off' };
  const kwargs = { ...switches, ...variables };
  return {
    fields: {
      ...calls,
      // Fields of vLLM; llama-server always continues a final assistant message.
      ...(continues === true ? { continue_final_message: true, add_generation_prompt: false } : {}),
      // Engines with more settings accept the values of the first reasoning models, which do not include `none`.
      ...(reasoning === 'auto' || reasoning === 'off' ? {} : { reasoning_effort: reasoning }),
      // Field of llama-server and vLLM.
      ...(Object.keys(kwargs).length === 0 ? {} : { chat_template_kwargs: kwargs }),
    },
    ignored,
  };
}
