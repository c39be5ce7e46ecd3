import * as v from 'valibot';
import { integer, modelNaming, objectWith } from '../fields.ts';
import { Id } from './conversations.ts';
import {
  MAX_GRAMMAR_CHARACTERS,
  MAX_MESSAGES,
  MAX_NEW_TOKENS,
  MAX_SEED,
  MAX_STOP_CHARACTERS,
  MAX_STOP_SEQUENCES,
} from './generation-limits.ts';

/** A number from `min` to `max`. JSON has no other numbers than finite ones. */
const real = (min: number, max: number) =>
  v.pipe(v.number(), v.minValue(min, `at least ${min}`), v.maxValue(max, `at most ${max}`));

/** The settings of a generation that are kept over restarts, with the range of each. */
const keptEntries = {
  /** 0 always takes the likeliest token; 1 takes the model's probabilities as they are. */
  temperature: v.optional(real(0, 5)),
  /** The smallest set of tokens that holds this much probability; 1 is off. */
  top_p: v.optional(real(0, 1)),
  /** The likeliest so many tokens; 0 is off. */
  top_k: v.optional(integer(0, 1_000_000)),
  /** *Ours*: tokens at least this likely, beside the likeliest; 0 is off. */
  min_p: v.optional(real(0, 1)),
  max_new_tokens: v.optional(integer(1, MAX_NEW_TOKENS)),
  /** Above 1, tokens among the last 64 become less likely; 1 is off. */
  repetition_penalty: v.optional(real(0.01, 10)),
  /** `false` always takes the likeliest token, whatever the temperature. */
  do_sample: v.optional(v.boolean()),
};

/** Names of the kept settings. */
export const KEPT_SETTINGS = Object.keys(keptEntries);

/** Some of the kept settings, to be changed. */
export const KeptSettings = objectWith(keptEntries);

/** All of the kept settings. */
export const GenerationParams = v.object({
  temperature: v.number(),
  top_p: v.number(),
  top_k: v.number(),
  min_p: v.number(),
  max_new_tokens: v.number(),
  repetition_penalty: v.number(),
  do_sample: v.boolean(),
});
export type GenerationParams = v.InferOutput<typeof GenerationParams>;

const StopSequence = v.pipe(
  v.string(),
  v.minLength(1, 'a text that is not empty'),
  v.maxLength(MAX_STOP_CHARACTERS, `at most ${MAX_STOP_CHARACTERS} characters long`),
  v.check((text) => text.isWellFormed(), 'a text without halves of characters'),
);

/** How one generation differs from the kept settings. Names of the original that this host has no use for are ignored. */
export const GenerateSettings = objectWith({
  ...keptEntries,
  /** Texts that end the generation; they are not part of the output. */
  stop: v.optional(
    v.union([
      StopSequence,
      v.pipe(v.array(StopSequence), v.maxLength(MAX_STOP_SEQUENCES, `at most ${MAX_STOP_SEQUENCES} texts`)),
    ]),
  ),
  /** The same seed, settings and prompt give the same text; absent = another text each time. */
  seed: v.optional(integer(0, MAX_SEED)),
  /** *Ours*: the output is JSON that this JSON schema allows. */
  json_schema: v.optional(objectWith({})),
  /** *Ours*: the output is what this GBNF grammar allows, beginning with its rule `root`. */
  grammar: v.optional(
    v.pipe(
      v.string(),
      v.minLength(1, 'a GBNF grammar'),
      v.maxLength(MAX_GRAMMAR_CHARACTERS, `at most ${MAX_GRAMMAR_CHARACTERS} characters long`),
    ),
  ),
});

export const ChatMessage = objectWith({
  /** `system`, `user`, `assistant`, or another the model's template knows. */
  role: v.pipe(v.string(), v.regex(/^[\w.-]{1,64}$/, 'the name of a role, such as "user"')),
  content: v.string(),
});

export const GenerateRequest = v.looseObject({
  ...modelNaming,
  messages: v.optional(
    v.pipe(
      v.array(ChatMessage),
      v.minLength(1, 'at least one message'),
      v.maxLength(MAX_MESSAGES, `at most ${MAX_MESSAGES} messages`),
    ),
  ),
  prompt: v.optional(v.string()),
  settings: v.optional(GenerateSettings),
  /** The conversation in which the last message and the answer are kept; it is begun where there is none of this id. */
  chat_id: v.optional(Id),
});

export const GeneratePayload = v.object({
  output: v.string(),
  /** The same text, under the original's other name. */
  generatedText: v.string(),
  /** Tokens per second, from the first one on. */
  tps: v.number(),
  numTokens: v.number(),
  /** `length`: `max_new_tokens`, the end of the context, or the longest text one reply can carry. */
  finishReason: v.picklist(['stop', 'length', 'stopped']),
  /** *Ours.* */
  modelId: v.string(),
  /** *Ours*: where both sides were kept, if `chat_id` asked for it; absent where that failed, and the message says why. */
  conversation: v.optional(v.object({ id: v.string(), message_ids: v.array(v.string()) })),
  /** *Ours.* */
  usage: v.object({
    promptTokens: v.number(),
    /** Of these, evaluated already in the turn before. */
    cachedPromptTokens: v.number(),
    completionTokens: v.number(),
    /** Milliseconds from the request's turn to its first token; null when there was none. */
    timeToFirstTokenMs: v.nullable(v.number()),
    tokensPerSecond: v.number(),
  }),
});

export const StopGenerationRequest = v.looseObject({
  ...modelNaming,
  /** *Ours*: the `requestId` of the GENERATE to stop. */
  targetRequestId: v.optional(v.union([v.string(), v.number()])),
});
export const StopGenerationPayload = v.object({
  /** How many generations were told to stop. */
  stopped: v.number(),
  stopped_backends: v.array(v.string()),
});

export const UpdateSettingsRequest = v.looseObject({ settings: KeptSettings });
export const UpdateSettingsPayload = v.object({ settings: GenerationParams });
export const GetParamsRequest = v.looseObject({});
export const GetParamsPayload = v.object({ params: GenerationParams });
export const SetParamsRequest = v.looseObject({ params: KeptSettings });
export const SetParamsPayload = v.object({ params: GenerationParams });
