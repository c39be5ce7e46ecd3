import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { CONVERSATION_ROW, conversationRowOf, MESSAGE_ROW, messageRowOf, type RowWriter } from './rows.ts';
import type { ConversationRow, MessageRow, PageLimits, PushedRows, PushResult } from './types.ts';

/** Rows that changed, and the cursor for later changes. */
export interface Pulled {
  readonly conversations: readonly ConversationRow[];
  readonly messages: readonly MessageRow[];
  /** The number of the last change on this page. */
  readonly change: number;
  readonly hasMore: boolean;
}

/** A row of an export. */
export type ExportedRow =
  | ({ readonly type: 'conversation' } & Omit<ConversationRow, 'deleted'>)
  | ({ readonly type: 'message' } & Omit<MessageRow, 'deleted'>);

/** A page of an export. */
export interface Exported {
  readonly rows: readonly ExportedRow[];
  readonly nextCursor?: string;
}

/** Merges the rows of a client's own database, inside the caller's transaction; see `merge.ts`. */
export function push(write: RowWriter, { conversations, messages }: PushedRows): PushResult {
  const counts = { conversations: { synced: 0, skipped: 0 }, messages: { synced: 0, skipped: 0 } };
  const refused: { id: string; conversation_id: string }[] = [];
  for (const row of conversations) counts.conversations[write.conversation(row) ? 'synced' : 'skipped'] += 1;
  for (const row of messages) {
    const result = write.message(row);
    counts.messages[result === 'written' ? 'synced' : 'skipped'] += 1;
    if (result === 'refused') refused.push({ id: row.id, conversation_id: row.conversation_id });
  }
  return { ...counts, refused };
}

type Row = Record<string, SQLOutputValue>;

/**
 * Returns the rows that were written after the change `after`, in the order of the writes, which depends on no clock.
 * `since` omits rows that were last changed before that time, as the original did.
 */
export function pull(
  database: DatabaseSync,
  options: { after?: number; since?: number; userId?: string; limits: PageLimits },
): Pulled {
  const { after = 0, since = -1, userId, limits } = options;
  const user = userId === undefined ? [] : [userId];
  const conversations = database
    .prepare(`SELECT ${CONVERSATION_ROW}, change FROM conversations
      WHERE change > ? AND updated_at > ? ${userId === undefined ? '' : 'AND user_id = ?'} ORDER BY change`)
    .iterate(after, since, ...user);
  const messages = database
    .prepare(`SELECT ${MESSAGE_ROW}, change FROM messages WHERE change > ? AND updated_at > ?
      ${userId === undefined ? '' : 'AND conversation_id IN (SELECT id FROM conversations WHERE user_id = ?)'}
      ORDER BY change`)
    .iterate(after, since, ...user);
  const page = new PageBudget(limits);
  const pulled = { conversations: [] as ConversationRow[], messages: [] as MessageRow[] };
  let change = after;
  try {
    let conversation = nextOf(conversations);
    let message = nextOf(messages);
    for (;;) {
      const isConversation =
        Number(conversation?.change ?? Number.POSITIVE_INFINITY) < Number(message?.change ?? Number.POSITIVE_INFINITY);
      const row = isConversation ? conversation : message;
      if (row === undefined) return { ...pulled, change, hasMore: false };
      const converted = isConversation ? conversationRowOf(row) : messageRowOf(row);
      if (!page.add(converted)) return { ...pulled, change, hasMore: true };
      change = Number(row.change);
      if (isConversation) {
        pulled.conversations.push(converted as ConversationRow);
        conversation = nextOf(conversations);
      } else {
        pulled.messages.push(converted as MessageRow);
        message = nextOf(messages);
      }
    }
  } finally {
    conversations.return?.();
    messages.return?.();
  }
}

/**
 * Returns rows that are not deleted, in the order in which they were created: first the conversations, then the
 * messages. Rows do not change their place, so an export is complete even if rows change while it runs.
 */
export function exportRows(
  database: DatabaseSync,
  { cursor, userId, limits }: { cursor?: string; userId?: string; limits: PageLimits },
): Exported {
  const page = new PageBudget(limits);
  const rows: ExportedRow[] = [];
  const user = userId === undefined ? [] : [userId];
  let [conversationAt = 0, messageAt] = cursor?.split('.').map(Number) ?? [];
  if (messageAt === undefined) {
    const conversations = database.prepare(`SELECT ${CONVERSATION_ROW}, rowid AS at FROM conversations
      WHERE rowid > ? AND deleted = 0 ${userId === undefined ? '' : 'AND user_id = ?'} ORDER BY rowid`);
    for (const row of conversations.iterate(conversationAt, ...user)) {
      const { deleted: _, ...conversation } = conversationRowOf(row);
      if (!page.add(conversation)) return { rows, nextCursor: String(conversationAt) };
      rows.push({ type: 'conversation', ...conversation });
      conversationAt = Number(row.at);
    }
    messageAt = 0;
  }
  const messages = database.prepare(`SELECT ${MESSAGE_ROW}, number FROM messages WHERE number > ? AND deleted = 0
    ${userId === undefined ? '' : 'AND conversation_id IN (SELECT id FROM conversations WHERE user_id = ?)'} ORDER BY number`);
  for (const row of messages.iterate(messageAt, ...user)) {
    const { deleted: _, ...message } = messageRowOf(row);
    if (!page.add(message)) return { rows, nextCursor: `${conversationAt}.${messageAt}` };
    rows.push({ type: 'message', ...message });
    messageAt = Number(row.number);
  }
  return { rows };
}

/** Counts items until a page is full. The first item always fits. */
export class PageBudget {
  #items: number;
  #bytes: number;
  #isEmpty = true;

  constructor({ count, bytes }: PageLimits) {
    this.#items = count;
    this.#bytes = bytes;
  }

  /** Returns whether the item still fits. */
  add(item: object): boolean {
    this.#items -= 1;
    this.#bytes -= Buffer.byteLength(JSON.stringify(item)) + TYPE_BYTES;
    const fits = this.#isEmpty || (this.#items >= 0 && this.#bytes >= 0);
    this.#isEmpty = false;
    return fits;
  }
}

/** Bytes that a reply adds to each item at most: a comma and the type of an exported row. */
const TYPE_BYTES = 32;

function nextOf(rows: Iterator<Row>): Row | undefined {
  const { done, value } = rows.next();
  return done ? undefined : value;
}
