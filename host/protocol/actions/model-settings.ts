import * as v from 'valibot';
import { defineAction } from '../define.ts';
import { CACHE_ERRORS } from '../errors.ts';
import { field, modelId, modelReference, optional, textUpTo } from '../fields.ts';
import { MAX_SYSTEM_PROMPT } from '../limits.ts';
import { savedLoadSettings } from './load.ts';
import { reasoningSettings, savedSettings } from './settings.ts';

const descriptions = {
  system_prompt: 'The system prompt of its generations whose messages have none.',
  generation: 'Settings of its generations that differ from the saved ones of all models.',
  load: 'Settings with which `LOAD_MODEL` loads it.',
};

/** A system prompt. */
export const systemPrompt = textUpTo(MAX_SYSTEM_PROMPT);

/** Settings of generations that can be saved for a model, each optional. */
export const generationSettings = { ...savedSettings, ...reasoningSettings };

/** The settings that are saved for a model. */
export const modelSettings = v.object({
  system_prompt: optional(systemPrompt, descriptions.system_prompt),
  generation: optional(v.object(generationSettings), descriptions.generation),
  load: optional(v.object(savedLoadSettings), descriptions.load),
});
export type SavedModelSettings = v.InferOutput<typeof modelSettings>;

const response = v.object({ modelId, settings: field(modelSettings, 'All settings that are saved for the model.') });
const errors = ['MODEL_NOT_LOADED', ...CACHE_ERRORS] as const;

/** Errors for adapters that settings name. */
const ADAPTER_ERRORS = ['LOCAL_ONLY', 'FILE_NOT_FOUND', 'MODEL_REJECTED', 'MODEL_NOT_DOWNLOADED'] as const;

export const getModelSettings = defineAction({
  name: 'GET_MODEL_SETTINGS',
  summary: 'Extension: returns the settings that are saved for a model.',
  request: modelReference,
  response,
  errors,
});

export const setModelSettings = defineAction({
  name: 'SET_MODEL_SETTINGS',
  summary:
    'Extension: saves settings for a model, whether it is loaded or not. Requests and conversations can override them. A loaded model keeps the settings it was loaded with.',
  request: {
    ...modelReference,
    settings: field(
      v.strictObject({
        system_prompt: optional(v.nullable(systemPrompt), descriptions.system_prompt),
        generation: optional(v.nullable(v.strictObject(generationSettings)), descriptions.generation),
        load: optional(v.nullable(v.strictObject(savedLoadSettings)), descriptions.load),
      }),
      'What to change. A given field replaces the saved one; null removes it.',
    ),
  },
  response,
  errors: [...errors, ...ADAPTER_ERRORS],
});
