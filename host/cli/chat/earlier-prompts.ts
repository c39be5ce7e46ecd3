import { isHostError } from '../../common/errors.ts';
import type { Client } from '../client.ts';

/** Conversations among which the latest are found: a listing begins with those that are pinned. */
const LISTED = 200;

/** Conversations that are read, the messages that are read of each, and most of their prompts that are returned. */
const CONVERSATIONS = 30;
const MESSAGES = 500;
const PROMPTS = 1_000;

/** Longest prompt that is returned, characters. */
const MAX_PROMPT = 100_000;

/**
 * Returns the questions of the latest stored conversations, newest first and each once: the history of a new chat. They
 * are kept nowhere else, so what is deleted, or was temporary, is not among them.
 */
export async function earlierPrompts(client: Client): Promise<string[]> {
  try {
    const { payload } = await client.request('LIST_CONVERSATIONS', { limit: LISTED });
    const latest = payload.conversations.toSorted((a, b) => b.updated_at - a.updated_at).slice(0, CONVERSATIONS);
    const pages = await Promise.all(
      latest.map(({ id }) => client.request('GET_CONVERSATION', { id, from: 'end', limit: MESSAGES })),
    );
    const asked = pages
      .flatMap((page) => page.payload.messages)
      .filter(({ role, content }) => role === 'user' && content.trim() !== '' && content.length <= MAX_PROMPT)
      .toReversed()
      .sort((a, b) => b.created_at - a.created_at);
    return [...new Set(asked.map(({ content }) => content))].slice(0, PROMPTS);
  } catch (error) {
    // The chat reports what is wrong with the conversations when it stores its first question.
    if (isHostError(error)) return [];
    throw error;
  }
}
