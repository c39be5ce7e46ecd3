import { HostError, isHostError } from '../../common/errors.ts';
import type { PayloadOf } from '../../protocol/messages.ts';
import type { Client } from '../client.ts';
import { UsageError } from '../usage-error.ts';

/** A stored conversation. */
export type Conversation = PayloadOf<'LIST_CONVERSATIONS'>['conversations'][number];

/** Characters of an ID that lists show. They are enough to name a conversation. */
const SHOWN_ID = 8;

/** Most conversations that are listed for a name that several have. */
const MAX_LISTED = 10;

/** Returns the title of a conversation as lists show it. */
export function shownTitle({ title, topic }: Pick<Conversation, 'title' | 'topic'>): string {
  return title || topic || 'Untitled';
}

/** Formats conversations as rows of a table: ID, time of the last change, title. */
export function conversationRows(conversations: readonly Conversation[]): string[][] {
  return conversations.map((one) => [
    shortId(one.id),
    // Swedish writes dates as ISO 8601 does, in local time.
    new Date(one.updated_at * 1000).toLocaleString('sv-SE', { dateStyle: 'short', timeStyle: 'short' }),
    `${one.pinned === true ? '* ' : ''}${shownTitle(one)}`,
  ]);
}

/** Returns the start of the ID of a conversation, by which it can be named. */
export function shortId(id: string): string {
  return id.slice(0, SHOWN_ID);
}

/**
 * Returns the conversation that a user means: by its ID, the start of its ID, its title, or a part of its title.
 *
 * @throws HostError `CONVERSATION_NOT_FOUND`.
 * @throws UsageError if there are several.
 */
export async function findConversation(typed: string, client: Client): Promise<Conversation> {
  try {
    return (await client.request('GET_CONVERSATION', { id: typed, limit: 1 })).payload.conversation;
  } catch (error) {
    if (!isHostError(error, 'CONVERSATION_NOT_FOUND', 'INVALID_REQUEST')) throw error;
  }
  const all = await client.all('LIST_CONVERSATIONS', ({ conversations }) => conversations);
  const wanted = typed.toLowerCase();
  const byId = all.filter(({ id }) => id.toLowerCase().startsWith(wanted));
  const byTitle = all.filter((conversation) => shownTitle(conversation).toLowerCase() === wanted);
  const byPart = all.filter((conversation) => shownTitle(conversation).toLowerCase().includes(wanted));
  const found = [byId, byTitle, byPart].find((matches) => matches.length > 0) ?? [];
  const [first, second] = found;
  if (first === undefined) {
    throw new HostError(
      'CONVERSATION_NOT_FOUND',
      `There is no conversation "${typed}". Run "tabagent chat list" to list conversations.`,
      { details: { conversation_id: typed } },
    );
  }
  if (second === undefined) return first;
  const lines = found.slice(0, MAX_LISTED).map((one) => `  ${shortId(one.id)}  ${shownTitle(one)}`);
  throw new UsageError(
    [
      `"${typed}" matches several conversations. Use one of these IDs:`,
      ...lines,
      ...(found.length > MAX_LISTED ? ['  …'] : []),
    ].join('\n'),
  );
}
