import * as v from 'valibot';
import { chatMessage, chatMessages, promptFields, promptSettings, toolCalls } from '../chat.ts';
import { defineAction } from '../define.ts';
import { CACHE_ERRORS, MODEL_ERRORS } from '../errors.ts';
import {
  generationComplete,
  generationError,
  generationPromptProgress,
  generationStopped,
  generationToolCall,
  generationUpdate,
} from '../events.ts';
import {
  count,
  field,
  integer,
  modelId,
  modelReference,
  nonEmptyText,
  nullable,
  numberBetween,
  objectWith,
  optional,
  pagedResponse,
  paging,
  requestId,
  textUpTo,
  unixSeconds,
} from '../fields.ts';
import {
  MAX_CONTEXT,
  MAX_GRAMMAR_CHARACTERS,
  MAX_LOOKUP_TOKENS,
  MAX_REGEX_CHARACTERS,
  MAX_SEED,
  MAX_STOP_CHARACTERS,
  MAX_STOP_SEQUENCES,
} from '../limits.ts';
import { conversationId } from './conversations.ts';
import { savedSettings } from './settings.ts';

/** Most tokens with a bias. */
const MAX_BIASED_TOKENS = 1_000;

/** Most texts that divide sequences for DRY, and their length: llama.cpp compares each with the whole vocabulary. */
const MAX_BREAKERS = 32;
const MAX_BREAKER_CHARACTERS = 40;

const wellFormedText = (maxLength: number) =>
  v.pipe(
    nonEmptyText(maxLength),
    v.check((text) => text.isWellFormed(), 'a string without unpaired surrogates'),
  );

const stopSequence = wellFormedText(MAX_STOP_CHARACTERS);

const responseFormat = v.pipe(
  objectWith({
    type: field(
      v.picklist(['text', 'json_object', 'json_schema']),
      '`text`: any text. `json_object`: any JSON object. `json_schema`: JSON that is valid by a schema.',
    ),
    json_schema: optional(
      objectWith({
        schema: field(objectWith({}), 'A JSON schema, as in `settings.json_schema`.'),
        strict: optional(
          v.boolean(),
          'Whether a keyword of the schema that cannot be enforced is an error, which is the default, or is listed in `ignored`.',
        ),
      }),
      'The schema; required with the type `json_schema`.',
    ),
  }),
  v.forward(
    v.check(({ type, json_schema }) => type !== 'json_schema' || json_schema !== undefined, 'an object with a schema'),
    ['json_schema'],
  ),
);

/** A function that must be called. */
const functionChoice = objectWith({
  type: field(v.literal('function'), 'The type of the tool.'),
  function: field(objectWith({ name: field(v.string(), 'The name of the function.') }), 'The function.'),
});

/** Settings of one generation that are not saved, each optional. */
export const requestSettings = {
  stop: optional(
    v.union([
      stopSequence,
      v.pipe(v.array(stopSequence), v.maxLength(MAX_STOP_SEQUENCES, `at most ${MAX_STOP_SEQUENCES} strings`)),
    ]),
    'One or several strings that end the generation. They are not part of the output.',
  ),
  seed: optional(
    integer(0, MAX_SEED),
    'The same seed, settings and prompt generate the same text. Default: a random seed.',
  ),
  presence_penalty: optional(
    numberBetween(-2, 2),
    'Extension: positive values make tokens less likely that occur among the last 64; 0 disables it.',
  ),
  frequency_penalty: optional(
    numberBetween(-2, 2),
    'Extension: positive values make tokens less likely the more often they occur among the last 64; 0 disables it.',
  ),
  xtc_probability: optional(
    numberBetween(0, 1),
    'Extension: the probability with which XTC excludes the most likely tokens at each step; 0, the default, disables it. It has no effect without sampling.',
  ),
  xtc_threshold: optional(
    numberBetween(0, 0.5),
    'Extension: of the tokens with at least this probability, XTC excludes all but the least likely. Default: 0.1.',
  ),
  dry_multiplier: optional(
    numberBetween(0, 10),
    'Extension: how much less likely DRY makes tokens that would repeat a sequence of generated tokens; 0, the default, disables it. Usual: 0.8.',
  ),
  dry_base: optional(
    numberBetween(1, 10),
    'Extension: the factor by which the penalty of DRY grows with each further token of a repetition. Default: 1.75.',
  ),
  dry_allowed_length: optional(
    integer(1, MAX_CONTEXT),
    'Extension: the longest sequence that DRY allows to be repeated, in tokens. Default: 2.',
  ),
  dry_penalty_last_n: optional(
    integer(-1, MAX_CONTEXT),
    'Extension: the number of generated tokens that DRY searches; 0 disables it, and -1, the default, means all.',
  ),
  dry_sequence_breakers: optional(
    v.pipe(
      v.array(wellFormedText(MAX_BREAKER_CHARACTERS)),
      v.maxLength(MAX_BREAKERS, `at most ${MAX_BREAKERS} strings`),
    ),
    'Extension: texts at which DRY divides sequences. Default: line end, `:`, `"` and `*`.',
  ),
  prompt_lookup_num_tokens: optional(
    integer(0, MAX_LOOKUP_TOKENS),
    `Extension: most tokens that are predicted at a time where the output quotes the prompt (prompt lookup). Predictions change the speed, not the distribution of the text; without sampling they do not change the text. A \`seed\` then no longer gives the text that it gives without them. Default: 0, none: it is faster only if much is quoted. 7 is a good value on a CPU. Models that other programs run do not use it.`,
  ),
};

const settingEntries = {
  ...savedSettings,
  ...promptSettings,
  ...requestSettings,
  max_tokens: optional(integer(1, MAX_CONTEXT), 'Extension: alias of `max_new_tokens`.'),
  max_completion_tokens: optional(integer(1, MAX_CONTEXT), 'Extension: alias of `max_new_tokens`.'),
  logit_bias: optional(
    v.pipe(
      v.record(v.pipe(v.string(), v.regex(/^\d{1,7}$/, 'the number of a token')), numberBetween(-100, 100)),
      v.check((bias) => Object.keys(bias).length <= MAX_BIASED_TOKENS, `at most ${MAX_BIASED_TOKENS} tokens`),
    ),
    'Extension: values that are added to the logits of tokens, by the ids of the tokens in the vocabulary. -100 excludes a token.',
  ),
  response_format: optional(
    responseFormat,
    "Extension: what the output is restricted to, in the terms of OpenAI's API.",
  ),
  json_schema: optional(objectWith({}), 'Extension: restricts the output to JSON that is valid by this JSON schema.'),
  regex: optional(
    nonEmptyText(MAX_REGEX_CHARACTERS),
    'Extension: restricts the output to texts that this regular expression of ECMAScript matches from beginning to end. Back references, look-behind, word boundaries and Unicode properties are refused.',
  ),
  regex_flags: optional(
    v.pipe(v.string(), v.regex(/^[dgisuy]{0,6}$/, 'flags among "dgisuy"')),
    'Extension: flags of `regex`. `i` ignores case, `s` lets a dot match line ends; the others make no difference.',
  ),
  constraint_prefix: optional(
    textUpTo(MAX_REGEX_CHARACTERS),
    'Extension: a beginning of the restricted output that is in the prompt already, such as the message that `continue` continues. The output is what follows it.',
  ),
  grammar: optional(
    v.pipe(
      v.string(),
      v.minLength(1, 'a GBNF grammar'),
      v.maxLength(MAX_GRAMMAR_CHARACTERS, `at most ${MAX_GRAMMAR_CHARACTERS} characters long`),
    ),
    'Extension: restricts the output to this GBNF grammar, starting with its rule `root`.',
  ),
};
const generateSettings = objectWith(settingEntries);

/** Names of the settings that a generation takes. */
export const generateSettingNames: readonly string[] = Object.keys(settingEntries);

export const generate = defineAction({
  name: 'GENERATE',
  summary: 'Generates text from messages or a prompt and streams it in events.',
  request: {
    ...modelReference,
    messages: optional(
      chatMessages,
      'The conversation so far. Either `messages` or `prompt` is required. Extension: further fields of a message, such as `tool_calls`, are passed to the chat template.',
    ),
    prompt: optional(v.string(), 'The text to continue.'),
    ...promptFields,
    tool_choice: optional(
      v.union([v.picklist(['auto', 'none', 'required']), functionChoice]),
      'Extension: `auto` leaves it to the model whether to call tools; `none` hides them from it; `required` makes it call at least one; an object makes it call the function that the object names.',
    ),
    parallel_tool_calls: optional(v.boolean(), 'Extension: whether one answer may have several calls. Default: true.'),
    strict: optional(v.boolean(), 'Extension: whether a field without effect is an error.'),
    settings: optional(
      generateSettings,
      'Settings that differ from the saved ones. Settings of the original that this host does not need are ignored.',
    ),
    chat_id: optional(
      conversationId,
      'The conversation in which the question and the answer are stored; it is created if necessary. The question is stored before the generation starts, and the answer while it grows. With `messages`, the question is the last of them.',
    ),
    store: optional(
      v.boolean(),
      'Extension: with `false`, nothing is stored: `chat_id` only names the conversation of `messages` in events and in `GET_ACTIVE_GENERATIONS`. Default: true.',
    ),
    message: optional(
      v.union([v.string(), chatMessage]),
      'Extension: a message to add to the conversation `chat_id` and to answer. The prompt consists of the messages before it and of itself. A model on this computer gets a note, such as `[image]`, in place of each part of earlier messages that is not text.',
    ),
    parent_id: optional(
      v.nullable(conversationId),
      'Extension: the id of the message that `message` follows, to create a branch there; null for a branch without earlier messages. Default: the last message that the conversation shows.',
    ),
    regenerate: optional(
      conversationId,
      'Extension: the id of an answer in the conversation `chat_id` for which to generate an alternative, or of a question without an answer.',
    ),
    context_overflow: optional(
      v.picklist(['error', 'trim']),
      'Extension: what to do if the messages do not fit in the context. `trim` leaves out the oldest turns until prompt and answer fit, but never a system message or the last turn. Default: `trim` with `message`, `regenerate`, or `continue` in a conversation, else `error`.',
    ),
  },
  response: v.object({
    modelId,
    output: field(v.string(), 'The generated text, without reasoning.'),
    reasoning: optional(v.string(), 'Extension: the reasoning before the answer; absent where there was none.'),
    tool_calls: optional(toolCalls, 'Extension: the tool calls of the model; absent if there are none.'),
    generatedText: field(v.string(), 'Alias of `output`.'),
    tps: field(v.number(), 'Tokens per second, from the first token.'),
    numTokens: field(count, 'Generated tokens.'),
    finishReason: field(
      v.picklist(['stop', 'length', 'stopped', 'tool_calls']),
      '`stop`: the model or a stop sequence ended the text. `tool_calls`: the model calls tools. `length`: `max_new_tokens`, the context length or the size limit of replies was reached. `stopped`: `STOP_GENERATION`.',
    ),
    conversation: optional(
      v.object({
        id: field(v.string(), 'The id of the conversation.'),
        message_ids: field(v.array(v.string()), 'The ids of the question and the answer.'),
      }),
      'Extension: where the messages were saved, if `chat_id` was given. If saving failed, it is absent and `message` says why.',
    ),
    trimmed: optional(
      v.object({
        messages: field(count, 'The number of messages.'),
        tokens: field(count, 'About how many tokens they have.'),
      }),
      'Extension: messages that were left out because they did not fit in the context; absent if there are none.',
    ),
    usage: field(
      v.object({
        promptTokens: field(count, 'Tokens of the prompt.'),
        cachedPromptTokens: field(count, 'Those of them that had been evaluated for the previous turn.'),
        completionTokens: field(count, 'Generated tokens.'),
        reasoningTokens: field(count, 'Those of them that are reasoning.'),
        predictedTokens: optional(
          count,
          'Generated tokens that were predicted from the prompt (`prompt_lookup_num_tokens`); absent if there are none.',
        ),
        timeToFirstTokenMs: nullable(
          v.number(),
          'Milliseconds from the start of the generation to its first token; null without a token.',
        ),
        tokensPerSecond: field(v.number(), 'Tokens per second, from the first token.'),
      }),
      'Extension: measurements.',
    ),
  }),
  topLevel: v.object({
    text: field(v.string(), 'Alias of `payload.output`.'),
    ignored: optional(
      v.array(v.string()),
      'Extension: fields of the request that had no effect; absent where there are none.',
    ),
  }),
  events: [
    generationPromptProgress,
    generationUpdate,
    generationToolCall,
    generationComplete,
    generationStopped,
    generationError,
  ],
  errors: [
    'CHAT_TEMPLATE_FAILED',
    'GENERATION_FAILED',
    'CONVERSATION_NOT_FOUND',
    'DATABASE_TOO_NEW',
    ...MODEL_ERRORS,
    ...CACHE_ERRORS,
  ],
});

export const stopGeneration = defineAction({
  name: 'STOP_GENERATION',
  summary:
    'Stops running generations. Each replies with the text generated so far, or with `ENGINE_ENDED` if the model did not stop within two seconds.',
  request: {
    ...modelReference,
    targetRequestId: optional(requestId, 'Extension: the `requestId` of the generation to stop. Default: all.'),
    everywhere: optional(
      v.boolean(),
      'Extension: whether to stop also the generations of the other hosts of this user. Default: false.',
    ),
  },
  response: v.object({
    stopped: field(count, 'The number of stopped generations.'),
    stopped_backends: field(v.array(v.string()), 'The engines that ran them.'),
    ended: optional(
      v.array(v.string()),
      'Extension: the ids of models that did not stop, so that the host ended their processes. They can be loaded again.',
    ),
  }),
  topLevel: 'payload',
});

export const getActiveGenerations = defineAction({
  name: 'GET_ACTIVE_GENERATIONS',
  summary: 'Extension: lists the generations that are running, oldest first, with their text so far.',
  request: { ...paging },
  response: v.object({
    generations: field(
      v.array(
        v.object({
          modelId,
          requestId: optional(requestId, 'The `requestId` of its request, for `STOP_GENERATION`.'),
          conversation_id: nullable(v.string(), 'The conversation in which the answer is stored.'),
          message_id: nullable(v.string(), 'The message in which the answer is stored.'),
          text: field(
            v.string(),
            'The answer so far, including the part that it continues. `generationUpdate` events deliver the rest.',
          ),
          reasoning: field(v.string(), 'The reasoning so far.'),
          tps: field(v.number(), 'Tokens per second so far.'),
          numTokens: field(count, 'Tokens so far.'),
          startedAt: field(unixSeconds, 'When it was started.'),
        }),
      ),
      'The generations.',
    ),
    ...pagedResponse,
  }),
});
