import * as v from 'valibot';
import { messageRole } from './actions/conversations.ts';
import { reasoningSettings } from './actions/settings.ts';
import { calledFunction, field, objectWith, optional, textUpTo, toolCallId } from './fields.ts';
import { MAX_MESSAGES, MAX_TEMPLATE_CHARACTERS, MAX_TOOLS } from './limits.ts';

/** Part of a message's content. */
const contentPart = objectWith({
  type: field(
    v.string(),
    '`text`, or another type, such as `image_url`, which models of other engines get as it is. Models on this computer cannot be given images yet and reject it.',
  ),
  text: optional(v.string(), 'The text of a part of type `text`.'),
});

/** One message. Only one that calls tools may lack content. */
export const chatMessage = v.pipe(
  objectWith({
    role: field(
      messageRole,
      "`system`, `user`, `assistant`, `tool`, or another role that the model's chat template supports.",
    ),
    content: optional(
      v.nullable(v.union([v.string(), v.array(contentPart)])),
      'The text of the message, or a list of parts. Extension: null for a message without text; absent only in one that has `tool_calls`.',
    ),
  }),
  v.forward(
    v.check(
      ({ content, tool_calls }) => content !== undefined || tool_calls !== undefined,
      'a text, a list of parts, or null',
    ),
    ['content'],
  ),
);

/** The messages of a conversation. */
export const chatMessages = v.pipe(
  v.array(chatMessage),
  v.minLength(1, 'at least one message'),
  v.maxLength(MAX_MESSAGES, `at most ${MAX_MESSAGES} messages`),
);

/** Tools that the model may call. */
const chatTools = v.pipe(v.array(objectWith({})), v.maxLength(MAX_TOOLS, `at most ${MAX_TOOLS} tools`));

/** Tool calls in an answer, in the format of Chat Completions. */
export const toolCalls = v.array(
  v.object({
    id: toolCallId,
    type: field(v.literal('function'), 'The type of the tool.'),
    function: field(v.object(calledFunction), 'The function to call.'),
  }),
);

/** Fields beside the messages that concern how they become a prompt. */
export const promptFields = {
  tools: optional(
    chatTools,
    'Extension: functions that the model may call, as in Chat Completions. The chat template describes them to the model; if it does not support tools, a system message does.',
  ),
  continue: optional(
    v.boolean(),
    "Extension: whether the last message, which is the assistant's, is continued rather than answered. With `chat_id` and without `messages`, this is the last answer of the conversation.",
  ),
};

/** Settings that concern how messages become a prompt. */
export const promptSettings = {
  ...reasoningSettings,
  chat_template: optional(
    textUpTo(MAX_TEMPLATE_CHARACTERS),
    "Extension: a Jinja chat template instead of the model's own.",
  ),
  template_kwargs: optional(
    objectWith({}),
    'Extension: variables of the chat template, such as `enable_thinking`. They override those that the host sets, except for the messages; a `bos_token` also replaces the token that the host would put at the beginning.',
  ),
  now: optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{4}-\d{2}-\d{2}(T[\d:.]{5,12}(Z|[+-]\d{2}:\d{2})?)?$/, 'an ISO 8601 date and time'),
      v.check((text) => !Number.isNaN(Date.parse(text)), 'an ISO 8601 date and time'),
    ),
    'Extension: the current time as the chat template sees it, ISO 8601; local time unless it has an offset.',
  ),
};
