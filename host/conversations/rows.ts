import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Conversation, Message, SyncCount } from './types.ts';

type Row = Record<string, SQLOutputValue>;

/** Columns of a conversation as a client sees it. */
export const CONVERSATION = 'id, user_id, title, topic, domain, created_at, updated_at';

/** Columns of a message as a client sees it. */
export const MESSAGE = 'id, conversation_id, role, content, created_at, updated_at';

/** A row of {@link CONVERSATION}. The table is STRICT, so each column is of its type. */
export function conversationOf(row: Row): Conversation {
  return {
    id: String(row.id),
    user_id: String(row.user_id),
    title: String(row.title),
    topic: row.topic === null ? null : String(row.topic),
    domain: row.domain === null ? null : String(row.domain),
    created_at: Number(row.created_at),
    updated_at: Number(row.updated_at),
  };
}

/** A row of {@link MESSAGE}. */
export function messageOf(row: Row): Message {
  return {
    id: String(row.id),
    conversation_id: String(row.conversation_id),
    role: String(row.role),
    content: String(row.content),
    created_at: Number(row.created_at),
    updated_at: Number(row.updated_at),
  };
}

/** Writes rows where they are newer than what is there: the last write wins, by `updated_at`; of two equal ones the first. */
export class RowWriter {
  readonly #database: DatabaseSync;
  readonly #conversation;
  readonly #message;
  readonly #number;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#conversation = database.prepare(`
      INSERT INTO conversations (${CONVERSATION}, deleted, change) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, title = excluded.title, topic = excluded.topic,
        domain = excluded.domain, updated_at = excluded.updated_at, deleted = excluded.deleted, change = excluded.change
      WHERE excluded.updated_at > conversations.updated_at`);
    this.#message = database.prepare(`
      INSERT INTO messages (${MESSAGE}, deleted, change) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET role = excluded.role, content = excluded.content,
        updated_at = excluded.updated_at, deleted = excluded.deleted, change = excluded.change
      WHERE excluded.updated_at > messages.updated_at AND excluded.conversation_id = messages.conversation_id`);
    this.#number = database.prepare('UPDATE counter SET change = change + 1 RETURNING change');
  }

  /** Whether it was written. A deleted conversation keeps nothing but its id and times. */
  conversation(row: Conversation & { readonly deleted: boolean }): boolean {
    const { id, user_id, title, topic, domain, created_at, updated_at, deleted } = row;
    const texts = deleted ? ['', null, null] : [title, topic, domain];
    const { changes } = this.#conversation.run(
      id,
      user_id,
      ...(texts as [string, string | null, string | null]),
      created_at,
      updated_at,
      Number(deleted),
      this.#next(),
    );
    if (Number(changes) > 0 && deleted) this.#deleteMessagesOf(id, updated_at);
    return Number(changes) > 0;
  }

  /** Whether it was written. */
  message(row: Message & { readonly deleted: boolean }): boolean {
    const { id, conversation_id, role, content, created_at, updated_at, deleted } = row;
    const { changes } = this.#message.run(
      id,
      conversation_id,
      role,
      deleted ? '' : content,
      created_at,
      updated_at,
      Number(deleted),
      this.#next(),
    );
    return Number(changes) > 0;
  }

  /** Says that a conversation has something new in it. */
  touch(id: string, updatedAt: number): void {
    this.#database
      .prepare('UPDATE conversations SET updated_at = ?, change = ? WHERE id = ? AND updated_at < ?')
      .run(updatedAt, this.#next(), id, updatedAt);
  }

  /** Each with a change of its own: a pull gives them in pieces. */
  #deleteMessagesOf(id: string, at: number): void {
    const numbers = this.#database
      .prepare('SELECT number FROM messages WHERE conversation_id = ? AND deleted = 0 AND updated_at <= ?')
      .all(id, at);
    const empty = this.#database.prepare(
      "UPDATE messages SET content = '', deleted = 1, updated_at = ?, change = ? WHERE number = ?",
    );
    for (const { number = null } of numbers) empty.run(at, this.#next(), number);
  }

  #next(): number {
    return Number(this.#number.get()?.change);
  }
}

/** Counts what was written. */
export function counting(): { add(written: boolean): void; result(): SyncCount } {
  let synced = 0;
  let skipped = 0;
  return {
    add(written) {
      if (written) synced += 1;
      else skipped += 1;
    },
    result: () => ({ synced, skipped }),
  };
}
