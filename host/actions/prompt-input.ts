import { defined } from '../common/defined.ts';
import { invalidField } from '../common/host-errors.ts';
import type { JsonObject } from '../common/json.ts';
import type { ChatMessage, PromptInput, ToolChoice } from '../models/generation.ts';
import type { RequestOf } from '../protocol/messages.ts';

/** The fields of a request that determine the prompt. */
type PromptRequest = Pick<RequestOf<'RENDER_PROMPT'>, 'messages' | 'prompt' | 'tools' | 'continue' | 'settings'> & {
  readonly toolChoice?: ToolChoice | undefined;
  readonly parallelToolCalls?: boolean | undefined;
  /** As in `ChatOptions`. */
  readonly trimFor?: number | undefined;
};

/**
 * Converts a request into what a model continues.
 *
 * @throws HostError `INVALID_REQUEST` unless the request has either messages or a prompt.
 */
export function promptInput({
  messages,
  prompt,
  tools,
  toolChoice,
  parallelToolCalls,
  continue: continues,
  settings = {},
  trimFor,
}: PromptRequest): PromptInput {
  if (messages !== undefined && prompt !== undefined) {
    throw invalidField('prompt', 'omitted when `messages` is given', prompt);
  }
  if (prompt !== undefined) {
    // They would have no effect on a plain prompt.
    for (const name of ['chat_template', 'template_kwargs', 'now', 'reasoning', 'max_reasoning_tokens'] as const) {
      if (settings[name] === undefined) continue;
      throw invalidField(`settings.${name}`, 'omitted when `prompt` is given', settings[name]);
    }
    if (tools !== undefined) throw invalidField('tools', 'omitted when `prompt` is given', tools);
    if (continues === true) throw invalidField('continue', 'omitted when `prompt` is given', continues);
    return { prompt };
  }
  if (messages === undefined) throw invalidField('messages', 'a list of messages, unless `prompt` is given', undefined);
  if (continues === true && (messages.length < 2 || messages.at(-1)?.role !== 'assistant')) {
    throw invalidField('continue', 'used after a message of the assistant that follows another', continues);
  }
  const { chat_template: template, template_kwargs: variables, now, reasoning, max_reasoning_tokens: most } = settings;
  return {
    // A parsed request is JSON, also in the fields that its schema leaves open.
    messages: messages as ChatMessage[],
    chat: defined({
      tools: tools as JsonObject[] | undefined,
      toolChoice,
      parallelToolCalls,
      template,
      continues,
      trimFor,
      variables: variables as JsonObject | undefined,
      now: now === undefined ? undefined : Date.parse(now),
      reasoning: most === 0 ? 'off' : reasoning,
      maxReasoningTokens: most === 0 ? undefined : most,
    }),
  };
}
