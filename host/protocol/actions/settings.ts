import * as v from 'valibot';
import { defineAction } from '../define.ts';
import { CACHE_ERRORS } from '../errors.ts';
import { count, field, integer, numberBetween, objectWith, optional } from '../fields.ts';
import { MAX_CONTEXT } from '../limits.ts';

const descriptions = {
  temperature: 'Randomness: 0 always takes the most likely token, 1 uses the probabilities of the model.',
  top_p: 'Samples from the smallest set of tokens with this total probability; 1 disables it.',
  top_k: 'Number of most likely tokens to sample from; 0 disables it.',
  min_p: 'Extension: samples from tokens with at least this share of the highest probability; 0 disables it.',
  max_new_tokens: 'The most tokens to generate.',
  repetition_penalty: 'Values above 1 make tokens among the last 64 less likely; 1 disables it.',
  do_sample: '`false` always takes the most likely token, whatever the temperature.',
};

/** The generation settings that are saved, each optional. */
export const savedSettings = {
  temperature: optional(numberBetween(0, 5), descriptions.temperature),
  top_p: optional(numberBetween(0, 1), descriptions.top_p),
  top_k: optional(integer(0, 1_000_000), descriptions.top_k),
  min_p: optional(numberBetween(0, 1), descriptions.min_p),
  max_new_tokens: optional(integer(1, MAX_CONTEXT), descriptions.max_new_tokens),
  repetition_penalty: optional(numberBetween(0.01, 10), descriptions.repetition_penalty),
  do_sample: optional(v.boolean(), descriptions.do_sample),
};

/** How much a model reasons before it answers. */
export const REASONING_LEVELS = ['auto', 'off', 'low', 'medium', 'high'] as const;

/** Settings of reasoning, each optional. */
export const reasoningSettings = {
  reasoning: optional(
    v.picklist(REASONING_LEVELS),
    'Extension: how much the model reasons before it answers, if its chat template supports that. Default: `auto`, the default of the template.',
  ),
  max_reasoning_tokens: optional(
    integer(0, MAX_CONTEXT),
    'Extension: maximum number of reasoning tokens, after which the answer starts. 0 is the same as `reasoning: "off"`.',
  ),
};

/** All saved generation settings. */
export const generationParams = v.object({
  temperature: field(v.number(), descriptions.temperature),
  top_p: field(v.number(), descriptions.top_p),
  top_k: field(count, descriptions.top_k),
  min_p: field(v.number(), descriptions.min_p),
  max_new_tokens: field(count, descriptions.max_new_tokens),
  repetition_penalty: field(v.number(), descriptions.repetition_penalty),
  do_sample: field(v.boolean(), descriptions.do_sample),
});
export type GenerationParams = v.InferOutput<typeof generationParams>;

export const updateSettings = defineAction({
  name: 'UPDATE_SETTINGS',
  summary: 'Updates the saved generation settings.',
  request: { settings: field(objectWith(savedSettings), 'The settings to change. Unknown ones are ignored.') },
  response: v.object({ settings: field(generationParams, 'All saved settings.') }),
  topLevel: 'payload',
  errors: CACHE_ERRORS,
});

export const getParams = defineAction({
  name: 'GET_PARAMS',
  summary: 'Returns the saved generation settings.',
  request: {},
  response: v.object({ params: field(generationParams, 'All saved settings.') }),
  topLevel: 'payload',
  errors: CACHE_ERRORS,
});

export const setParams = defineAction({
  name: 'SET_PARAMS',
  summary: 'Updates the saved generation settings, like `UPDATE_SETTINGS`, but takes and returns them in `params`.',
  request: { params: field(objectWith(savedSettings), 'The settings to change. Unknown ones are ignored.') },
  response: v.object({ params: field(generationParams, 'All saved settings.') }),
  topLevel: 'payload',
  errors: CACHE_ERRORS,
});
