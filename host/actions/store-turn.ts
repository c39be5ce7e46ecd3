import { isHostError } from '../common/errors.ts';
import type { RequestOf } from '../protocol/messages.ts';
import type { Services } from './action.ts';

/** Longest title made of a first message, characters. */
const TITLE_CHARACTERS = 60;

/** What a generation's reply says of the conversation it was kept in. */
interface Kept {
  readonly payload: { readonly conversation?: { id: string; message_ids: string[] } };
  readonly message?: string;
}

/**
 * Keeps the last message of a request and the answer to it in the conversation `chat_id` names, both or neither. A fault
 * is no fault of the generation: its text is answered, and the message says that it was not kept.
 */
export async function storeTurn(request: RequestOf<'GENERATE'>, answer: string, parts: Services): Promise<Kept> {
  const { chat_id: id, messages, prompt } = request;
  if (id === undefined) return { payload: {} };
  const asked = messages?.at(-1) ?? { role: 'user', content: prompt ?? '' };
  try {
    const conversations = await parts.conversations();
    conversations.create({ id, title: titleOf(asked.content) });
    const added = conversations.addMessages(id, [
      { role: asked.role, content: asked.content.toWellFormed() },
      { role: 'assistant', content: answer },
    ]);
    return { payload: { conversation: { id, message_ids: added.map((message) => message.id) } } };
  } catch (error) {
    if (!isHostError(error)) throw error;
    parts.log.error('conversation.not-kept', { code: error.code });
    return { payload: {}, message: `The answer could not be kept in the conversation ${id}: ${error.message}` };
  }
}

/** The first line of a message, shortened at a word. */
function titleOf(content: string): string {
  const line = content.trim().split('\n')[0] ?? '';
  if (line.length <= TITLE_CHARACTERS) return line.toWellFormed();
  const short = line.slice(0, TITLE_CHARACTERS);
  return `${short.slice(0, Math.max(short.lastIndexOf(' '), TITLE_CHARACTERS / 2)).trim()} …`.toWellFormed();
}
