import { isHostError } from '../common/errors.ts';
import { contentText } from '../protocol/content-text.ts';
import type { RequestOf } from '../protocol/messages.ts';
import type { Services } from '../services.ts';

/** Longest title derived from a message, characters. */
const TITLE_CHARACTERS = 60;

/** What the reply of a generation says about the conversation. */
interface Stored {
  readonly payload: { readonly conversation?: { id: string; message_ids: string[] } };
  readonly message?: string;
}

/**
 * Saves the last message of a request and the answer in the conversation of `chat_id`, both or neither. If that fails,
 * the generation has still succeeded, and the message of its reply says why the answer was not saved.
 */
export async function storeTurn(request: RequestOf<'GENERATE'>, answer: string, services: Services): Promise<Stored> {
  const { chat_id: id, messages, prompt } = request;
  if (id === undefined) return { payload: {} };
  const question = messages?.at(-1) ?? { role: 'user', content: prompt };
  const content = contentText(question);
  try {
    const conversations = await services.conversations();
    await conversations.create({ id, title: titleOf(content) });
    const added = await conversations.addMessages(id, [
      { role: question.role, content: content.toWellFormed() },
      { role: 'assistant', content: answer },
    ]);
    return { payload: { conversation: { id, message_ids: added.map((message) => message.id) } } };
  } catch (error) {
    if (!isHostError(error)) throw error;
    services.log.error('conversation.not-saved', { code: error.code });
    return { payload: {}, message: `The answer could not be saved in conversation ${id}: ${error.message}` };
  }
}

/** Returns the first line of a message, shortened at a word boundary. */
function titleOf(content: string): string {
  const line = content.trim().split('\n')[0] ?? '';
  if (line.length <= TITLE_CHARACTERS) return line.toWellFormed();
  const short = line.slice(0, TITLE_CHARACTERS);
  return `${short.slice(0, Math.max(short.lastIndexOf(' '), TITLE_CHARACTERS / 2)).trim()} …`.toWellFormed();
}
