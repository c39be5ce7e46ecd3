import { invalidField } from '../common/host-errors.ts';
import type { TurnStart } from '../conversations/answers.ts';
import type { ChatMessage, ContentPart } from '../models/generation.ts';
import { contentText } from '../protocol/content-text.ts';
import type { RequestOf } from '../protocol/messages.ts';
import { questionDetails } from './message-details.ts';

/** Longest title derived from a message, characters. */
const TITLE_CHARACTERS = 60;

type Request = RequestOf<'GENERATE'>;

/** Roles of a message that a model answers. */
const ASKING_ROLES: readonly string[] = ['user', 'tool'];

/** Returns whether the prompt of a request is made from the stored conversation. */
export function usesHistory({ chat_id, message, regenerate, messages, continue: continues }: Request): boolean {
  if (message !== undefined || regenerate !== undefined) return true;
  return chat_id !== undefined && continues === true && messages === undefined;
}

/**
 * Returns the turn that a request adds to its conversation; undefined for a request that stores nothing.
 *
 * @throws HostError `INVALID_REQUEST` for fields that exclude each other.
 */
export function turnStart(request: Request): TurnStart | undefined {
  const { chat_id: id, messages = [], prompt, parent_id: parent, continue: continues, store } = request;
  if (usesHistory(request)) return historyStart(request);
  if (parent !== undefined) throw invalidField('parent_id', 'omitted unless `message` is given', parent);
  if (id === undefined || store === false) return undefined;
  // The conversation would store the first part of the answer as a separate message.
  if (continues === true) throw invalidField('continue', 'omitted when `chat_id` and `messages` are given', continues);
  const question = messages.at(-1) ?? { role: 'user', content: prompt };
  const content = contentText(question).toWellFormed();
  const details = questionDetails(question, `messages.${messages.length - 1}`);
  return { type: 'ask', role: question.role, content, details, parent: undefined };
}

function historyStart(request: Request): TurnStart {
  const { chat_id: id, message, regenerate, parent_id: parent, continue: continues, store } = request;
  if (store === false) throw invalidField('store', 'omitted for a turn of a conversation', store);
  if (id === undefined) throw invalidField('chat_id', 'the id of a conversation', undefined);
  for (const name of ['messages', 'prompt'] as const) {
    if (request[name] !== undefined) throw invalidField(name, 'omitted for a turn of a conversation', request[name]);
  }
  if ([message, regenerate, continues || undefined].filter((value) => value !== undefined).length > 1) {
    throw invalidField(
      regenerate === undefined ? 'continue' : 'regenerate',
      'the only one of `message`, `regenerate` and `continue`',
      true,
    );
  }
  if (parent !== undefined && message === undefined)
    throw invalidField('parent_id', 'omitted unless `message` is given', parent);
  if (regenerate !== undefined) return { type: 'regenerate', message: regenerate };
  if (message === undefined) return { type: 'continue' };
  const given = typeof message === 'string' ? { role: 'user', content: message } : message;
  const content = contentText(given).toWellFormed();
  if (!ASKING_ROLES.includes(given.role)) throw invalidField('message.role', '"user" or "tool"', given.role);
  const details = questionDetails(given, 'message');
  if (content === '' && details?.parts === undefined)
    throw invalidField('message', 'a message that is not empty', content);
  return { type: 'ask', role: given.role, content, details, parent };
}

/**
 * Returns the messages of a conversation with a note in place of each image and other part that is not text, for a model
 * that would reject them. Those of the last question stay: it cannot be answered without them.
 */
export function withoutEarlierMedia(messages: readonly ChatMessage[]): ChatMessage[] {
  const last = messages.findLastIndex(({ role }) => role === 'user');
  return messages.map((message, index) => {
    const { content } = message;
    if (index >= last || !Array.isArray(content)) return message;
    return { ...message, content: content.map((part) => (part.type === 'text' ? part : noteInPlaceOf(part))) };
  });
}

function noteInPlaceOf({ type }: ContentPart): ContentPart {
  const [kind = ''] = /image|audio|video|file/.exec(type) ?? ['attachment'];
  return { type: 'text', text: `[${kind}]` };
}

/** Returns the messages without tool calls and results, which some templates reject; undefined if there are none. */
export function withoutTools(messages: readonly ChatMessage[]): ChatMessage[] | undefined {
  const plain = messages
    .filter((message) => message.role !== 'tool' && contentText(message) !== '')
    .map(({ role, content = null }) => ({ role, content }));
  return messages.every(({ role, tool_calls }) => role !== 'tool' && tool_calls === undefined) ? undefined : plain;
}

/** Returns the first line of a message, shortened at a word boundary. */
export function titleOf(content: string): string {
  const line = content.trim().split('\n')[0] ?? '';
  if (line.length <= TITLE_CHARACTERS) return line.toWellFormed();
  const short = line.slice(0, TITLE_CHARACTERS);
  return `${short.slice(0, Math.max(short.lastIndexOf(' '), TITLE_CHARACTERS / 2)).trim()} …`.toWellFormed();
}
