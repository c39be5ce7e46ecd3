import { defined } from '../common/defined.ts';
import { isSystemRole } from '../models/turns.ts';
import type { SavedModelSettings } from '../protocol/actions/model-settings.ts';
import type { RequestOf } from '../protocol/messages.ts';
import { chosenSettings } from './load-settings.ts';

type GenerateSettings = NonNullable<RequestOf<'GENERATE'>['settings']>;
type PromptRequest = Pick<RequestOf<'GENERATE'>, 'messages' | 'prompt' | 'settings'>;

/**
 * Returns the settings of a request on top of defaults. A limit under another name replaces that of the defaults, and
 * one on reasoning tokens the level of reasoning.
 */
export function settingsOver(defaults: GenerateSettings, settings: GenerateSettings = {}): GenerateSettings {
  const { max_new_tokens, max_reasoning_tokens, reasoning, ...others } = defaults;
  const hasLimit = (settings.max_completion_tokens ?? settings.max_tokens) !== undefined;
  const hasReasoning = (settings.reasoning ?? settings.max_reasoning_tokens) !== undefined;
  return {
    ...others,
    ...(hasLimit ? {} : defined({ max_new_tokens })),
    ...(hasReasoning ? {} : defined({ reasoning, max_reasoning_tokens })),
    ...settings,
  };
}

/** Returns a request for a prompt or a generation with what is saved for its model and the request leaves open. */
export function withModelDefaults<R extends PromptRequest>(request: R, saved: SavedModelSettings): R {
  const { system_prompt: system, generation = {} } = saved;
  const { messages, settings } = request;
  if (messages === undefined) {
    // A plain prompt has no reasoning that could be separated.
    const { reasoning: _, max_reasoning_tokens: __, ...sampling } = generation;
    return { ...request, settings: settingsOver(sampling, settings) };
  }
  const hasSystem = messages.some(({ role }) => isSystemRole(role));
  const instructions = system === undefined || system === '' || hasSystem ? [] : [{ role: 'system', content: system }];
  return { ...request, messages: [...instructions, ...messages], settings: settingsOver(generation, settings) };
}

/** Returns a request to load a model with the settings that are saved for the model and the request leaves open. */
export function withLoadDefaults(request: RequestOf<'LOAD_MODEL'>, saved: SavedModelSettings): RequestOf<'LOAD_MODEL'> {
  return { ...request, settings: { ...saved.load, ...chosenSettings(request) } };
}
