/** A prompt that the user has saved. */
export interface SavedPrompt {
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

/** The key of the saved prompts in `storage.local`. */
export const SAVED_PROMPTS = 'prompts';

/** Maximum number of saved prompts: more would not fit in a menu. */
export const MAX_PROMPTS = 30;

/** Maximum length of a saved prompt's title and text, characters. */
export const MAX_PROMPT_TITLE = 60;
export const MAX_PROMPT_TEXT = 10_000;

/** Validates stored prompts. Incomplete ones are left out. */
export function parsePrompts(value: unknown): SavedPrompt[] {
  if (!Array.isArray(value)) return [];
  const prompts: unknown[] = value.slice(0, MAX_PROMPTS);
  return prompts.flatMap((prompt) => {
    const { id, title, text } = (prompt ?? {}) as Partial<Record<keyof SavedPrompt, unknown>>;
    if (typeof id !== 'string' || typeof title !== 'string' || typeof text !== 'string') return [];
    return [{ id, title: title.slice(0, MAX_PROMPT_TITLE), text: text.slice(0, MAX_PROMPT_TEXT) }];
  });
}
