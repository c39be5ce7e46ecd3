import type { DatabaseSync } from 'node:sqlite';
import { CONVERSATION, conversationOf, counting, MESSAGE, messageOf, type RowWriter } from './rows.ts';
import type { SyncCount, Synced } from './types.ts';

/** What a pull gives: rows, and from where the next one goes on. */
export interface Pulled extends Synced {
  /** The number of the last change that is in here, or that there is. */
  readonly change: number;
  readonly hasMore: boolean;
}

/**
 * Takes the rows of a client that keeps a copy, inside the caller's transaction. The last write wins, by `updated_at`. A
 * message of a conversation that is nowhere is kept, in one without a title, which gives way to the real one.
 */
export function push(
  database: DatabaseSync,
  write: RowWriter,
  { conversations, messages }: Synced,
): { readonly conversations: SyncCount; readonly messages: SyncCount } {
  const counts = { conversations: counting(), messages: counting() };
  for (const conversation of conversations) counts.conversations.add(write.conversation(conversation));
  const isKnown = database.prepare('SELECT 1 FROM conversations WHERE id = ?');
  for (const message of messages) {
    if (isKnown.get(message.conversation_id) === undefined) {
      const { conversation_id: id, created_at } = message;
      const bare = { id, user_id: 'default', title: '', topic: null, domain: null, created_at, updated_at: 0 };
      write.conversation({ ...bare, deleted: false });
    }
    counts.messages.add(write.message(message));
  }
  return { conversations: counts.conversations.result(), messages: counts.messages.result() };
}

/**
 * Gives what was written after the change `after`, in the order it was written, at most `count` rows: what a clock says
 * does not matter to it. `since` leaves out what was last changed before that time, as the original did.
 */
export function pull(
  database: DatabaseSync,
  { after = 0, since = -1, userId, count }: { after?: number; since?: number; userId?: string; count: number },
): Pulled {
  const user = userId === undefined ? [] : [userId];
  const conversations = database
    .prepare(`SELECT ${CONVERSATION}, deleted, change FROM conversations
      WHERE change > ? AND updated_at > ? ${userId === undefined ? '' : 'AND user_id = ?'} ORDER BY change LIMIT ?`)
    .all(after, since, ...user, count + 1);
  const messages = database
    .prepare(`SELECT ${MESSAGE}, deleted, change FROM messages WHERE change > ? AND updated_at > ?
      ${userId === undefined ? '' : 'AND conversation_id IN (SELECT id FROM conversations WHERE user_id = ?)'}
      ORDER BY change LIMIT ?`)
    .all(after, since, ...user, count + 1);
  const changes = [...conversations, ...messages].map((row) => Number(row.change)).sort((a, b) => a - b);
  const end = changes[count - 1] ?? changes.at(-1) ?? after;
  const upTo = ({ change }: Record<string, unknown>) => Number(change) <= end;
  return {
    conversations: conversations.filter(upTo).map((row) => ({ ...conversationOf(row), deleted: row.deleted === 1 })),
    messages: messages.filter(upTo).map((row) => ({ ...messageOf(row), deleted: row.deleted === 1 })),
    change: end,
    hasMore: changes.some((change) => change > end),
  };
}
