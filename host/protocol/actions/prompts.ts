import * as v from 'valibot';
import { chatMessages, promptFields, promptSettings } from '../chat.ts';
import { defineAction } from '../define.ts';
import { MODEL_ERRORS } from '../errors.ts';
import { count, field, modelId, modelReference, objectWith, optional, textUpTo } from '../fields.ts';
import { MAX_TEXT_CHARACTERS, MAX_TEXTS } from '../limits.ts';

/** What becomes a prompt. */
const prompt = {
  ...modelReference,
  messages: optional(chatMessages, 'A conversation, whose further fields are passed to the chat template.'),
  prompt: optional(v.string(), 'A prompt as it is.'),
  ...promptFields,
  settings: optional(
    objectWith(promptSettings),
    'How messages become a prompt. Settings of a generation that do not concern the prompt are ignored.',
  ),
};

export const renderPrompt = defineAction({
  name: 'RENDER_PROMPT',
  summary: 'Extension: returns the prompt that a generation would evaluate, without generating.',
  request: prompt,
  response: v.object({
    modelId,
    prompt: field(v.string(), 'The whole prompt, special tokens in it as text.'),
    tokens: field(count, 'Its tokens.'),
    stop: field(v.array(v.string()), "Strings that would end the answer besides the model's own end token."),
  }),
  errors: ['CHAT_TEMPLATE_FAILED', ...MODEL_ERRORS],
});

export const countTokens = defineAction({
  name: 'COUNT_TOKENS',
  summary: 'Extension: counts the tokens of a conversation, a prompt or texts.',
  request: {
    ...prompt,
    texts: optional(
      v.pipe(
        v.array(textUpTo(MAX_TEXT_CHARACTERS)),
        v.minLength(1, 'at least one text'),
        v.maxLength(MAX_TEXTS, `at most ${MAX_TEXTS} texts`),
      ),
      'Texts to count separately, without a chat template and without special tokens.',
    ),
  },
  response: v.object({
    modelId,
    tokens: field(count, 'All tokens.'),
    contextSize: field(count, 'The context length that the model was loaded with, in tokens.'),
  }),
  errors: ['CHAT_TEMPLATE_FAILED', ...MODEL_ERRORS],
});
