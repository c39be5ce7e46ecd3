import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { mergeConversations, mergeMessages } from './merge.ts';
import type { Conversation, ConversationRow, Message, MessageRow, PushedConversation, PushedMessage } from './types.ts';

type Row = Record<string, SQLOutputValue>;

/** Columns of a conversation in replies. */
export const CONVERSATION = 'id, user_id, title, topic, domain, created_at, updated_at';
/** Columns of a message in replies. */
export const MESSAGE = 'id, conversation_id, role, content, created_at, updated_at';
/** Columns of a conversation that copies exchange. */
export const CONVERSATION_ROW = `${CONVERSATION}, title_updated_at, incarnation, deleted`;
/** Columns of a message that copies exchange. */
export const MESSAGE_ROW = `${MESSAGE}, incarnation, position, deleted`;

/** Converts a row of {@link CONVERSATION}. The tables are STRICT, so each column has its type. */
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

/** Converts a row of {@link MESSAGE}. */
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

/** Converts a row of {@link CONVERSATION_ROW}. */
export function conversationRowOf(row: Row): ConversationRow {
  return {
    ...conversationOf(row),
    title_updated_at: Number(row.title_updated_at),
    incarnation: Number(row.incarnation),
    deleted: row.deleted === 1,
  };
}

/** Converts a row of {@link MESSAGE_ROW}. */
export function messageRowOf(row: Row): MessageRow {
  return {
    ...messageOf(row),
    incarnation: Number(row.incarnation),
    position: Number(row.position),
    deleted: row.deleted === 1,
  };
}

/** A conversation, and what only this database knows of it. */
interface StoredConversation extends ConversationRow {
  /** When the last conversation of this id was deleted; 0 if none was. */
  readonly deletedAt: number;
}

/** What became of a message: `refused` if a message of another conversation has its id. */
export type WriteResult = 'written' | 'skipped' | 'refused';

/** Merges rows into the database. All methods run in the caller's transaction. */
export class RowWriter {
  readonly #readConversation: StatementSync;
  readonly #writeConversation: StatementSync;
  readonly #readMessage: StatementSync;
  readonly #writeMessage: StatementSync;
  readonly #liveMessages: StatementSync;
  readonly #deleteMessage: StatementSync;
  readonly #touchConversation: StatementSync;
  readonly #nextChange: StatementSync;
  #hasRemovedText = false;

  constructor(database: DatabaseSync) {
    this.#readConversation = database.prepare(`SELECT ${CONVERSATION_ROW}, deleted_at FROM conversations WHERE id = ?`);
    this.#writeConversation = database.prepare(`
      INSERT INTO conversations (${CONVERSATION_ROW}, deleted_at, change) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, title = excluded.title, topic = excluded.topic,
        domain = excluded.domain, created_at = excluded.created_at, updated_at = excluded.updated_at,
        title_updated_at = excluded.title_updated_at, incarnation = excluded.incarnation, deleted = excluded.deleted,
        deleted_at = excluded.deleted_at, change = excluded.change`);
    this.#readMessage = database.prepare(`SELECT ${MESSAGE_ROW} FROM messages WHERE id = ?`);
    this.#writeMessage = database.prepare(`
      INSERT INTO messages (${MESSAGE_ROW}, change) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET role = excluded.role, content = excluded.content, created_at = excluded.created_at,
        updated_at = excluded.updated_at, incarnation = excluded.incarnation, position = excluded.position,
        deleted = excluded.deleted, change = excluded.change`);
    this.#liveMessages = database.prepare('SELECT number FROM messages WHERE conversation_id = ? AND deleted = 0');
    this.#deleteMessage = database.prepare(
      "UPDATE messages SET content = '', deleted = 1, updated_at = max(updated_at, ?), change = ? WHERE number = ?",
    );
    this.#touchConversation = database.prepare(
      'UPDATE conversations SET updated_at = ?, change = ? WHERE id = ? AND updated_at < ?',
    );
    this.#nextChange = database.prepare('UPDATE counter SET change = change + 1 RETURNING change');
  }

  /** Returns whether text was removed or replaced since the last call, so that its remains must be erased. */
  takeHasRemovedText(): boolean {
    const removed = this.#hasRemovedText;
    this.#hasRemovedText = false;
    return removed;
  }

  /** Returns a conversation, deleted or not. */
  find(id: string): StoredConversation | undefined {
    const row = this.#readConversation.get(id);
    return row && { ...conversationRowOf(row), deletedAt: Number(row.deleted_at) };
  }

  /** Returns whether any message, deleted or not, has this id. */
  hasMessage(id: string): boolean {
    return this.#readMessage.get(id) !== undefined;
  }

  /** Merges a conversation. Returns whether that changed anything. */
  conversation(pushed: PushedConversation): boolean {
    const stored = this.find(pushed.id);
    const incarnation = pushed.incarnation ?? incarnationOf(pushed, stored);
    if (incarnation === undefined) return false;
    const { deleted, title, topic, domain } = pushed;
    const incoming: ConversationRow = {
      ...pushed,
      ...(deleted ? { title: '', topic: null, domain: null } : { title, topic, domain }),
      title_updated_at: pushed.title_updated_at ?? pushed.updated_at,
      incarnation,
    };
    return this.#store(stored, stored === undefined ? incoming : mergeConversations(stored, incoming));
  }

  /** Merges a message. Creates a conversation without a title for it if there is none. */
  message(pushed: PushedMessage): WriteResult {
    const existing = this.#readMessage.get(pushed.id);
    const stored = existing && messageRowOf(existing);
    if (stored !== undefined && stored.conversation_id !== pushed.conversation_id) return 'refused';
    const known = this.find(pushed.conversation_id);
    // Without an incarnation, a message belongs to the current conversation, unless that is deleted or newer.
    if (pushed.incarnation === undefined && known !== undefined) {
      const isLate = known.incarnation > 0 && pushed.created_at <= known.deletedAt;
      const isDead = stored !== undefined && stored.incarnation < known.incarnation;
      if (known.deleted || isLate || isDead) return 'skipped';
    }
    const incarnation = pushed.incarnation ?? known?.incarnation ?? 0;
    if (known === undefined || incarnation > known.incarnation) {
      this.#store(known, placeholderFor(pushed, incarnation));
    }
    const isDead =
      known !== undefined && (incarnation < known.incarnation || (incarnation === known.incarnation && known.deleted));
    // The text of a message of a deleted conversation is not stored; its tombstone may be.
    if (isDead && !pushed.deleted) return 'skipped';
    const change = this.#next();
    const incoming: MessageRow = {
      ...pushed,
      content: pushed.deleted ? '' : pushed.content,
      incarnation,
      position: pushed.position ?? change,
    };
    const merged = stored === undefined ? incoming : mergeMessages(stored, incoming);
    if (!isDead && !merged.deleted) this.#touch(pushed.conversation_id, merged.updated_at);
    if (stored !== undefined && isSame(stored, merged)) return 'skipped';
    if (stored !== undefined && stored.content !== merged.content) this.#hasRemovedText = true;
    const { id, conversation_id, role, content, created_at, updated_at, position, deleted } = merged;
    this.#writeMessage.run(
      id,
      conversation_id,
      role,
      content,
      created_at,
      updated_at,
      merged.incarnation,
      position,
      Number(deleted),
      change,
    );
    const isOlder = stored !== undefined && stored.updated_at === updated_at && stored.content === content;
    return isOlder && stored.deleted === deleted && stored.role === role ? 'skipped' : 'written';
  }

  #touch(id: string, updatedAt: number): void {
    this.#touchConversation.run(updatedAt, this.#next(), id, updatedAt);
  }

  #store(stored: StoredConversation | undefined, row: ConversationRow): boolean {
    if (stored !== undefined && isSame(stored, row)) return false;
    const isNewIncarnation = stored !== undefined && row.incarnation > stored.incarnation;
    const deletedAt =
      row.deleted || isNewIncarnation
        ? Math.max(stored?.deletedAt ?? 0, deletionTime(stored, row))
        : (stored?.deletedAt ?? 0);
    if (stored !== undefined && [stored.title, stored.topic].join('\n') !== [row.title, row.topic].join('\n')) {
      this.#hasRemovedText = true;
    }
    this.#writeConversation.run(
      row.id,
      row.user_id,
      row.title,
      row.topic,
      row.domain,
      row.created_at,
      row.updated_at,
      row.title_updated_at,
      row.incarnation,
      Number(row.deleted),
      deletedAt,
      this.#next(),
    );
    if (row.deleted || isNewIncarnation) this.#deleteMessages(row.id, row.deleted ? row.updated_at : 0);
    return true;
  }

  /** Replaces all messages of a conversation by tombstones. Each has its own change number, since a pull may be split. */
  #deleteMessages(id: string, at: number): void {
    for (const { number = null } of this.#liveMessages.all(id)) {
      this.#deleteMessage.run(at, this.#next(), number);
      this.#hasRemovedText = true;
    }
  }

  #next(): number {
    return Number(this.#nextChange.get()?.change);
  }
}

/** Returns the incarnation that a row without one belongs to; undefined if it is older than the current one. */
function incarnationOf(pushed: PushedConversation, stored: StoredConversation | undefined): number | undefined {
  if (stored === undefined) return 0;
  if (pushed.deleted)
    return stored.deleted || pushed.updated_at >= stored.title_updated_at ? stored.incarnation : undefined;
  const isLate = stored.incarnation > 0 && pushed.updated_at <= stored.deletedAt;
  return stored.deleted || isLate ? undefined : stored.incarnation;
}

/** When the conversation that `row` deletes or replaces was deleted. */
function deletionTime(stored: ConversationRow | undefined, row: ConversationRow): number {
  if (row.deleted) return row.updated_at;
  return stored?.deleted === true ? stored.updated_at : row.created_at;
}

/** A conversation of which only a message is known. */
function placeholderFor(
  { conversation_id: id, created_at, updated_at }: PushedMessage,
  incarnation: number,
): ConversationRow {
  const heading = { user_id: 'default', title: '', topic: null, domain: null, title_updated_at: 0 };
  return { id, ...heading, created_at, updated_at, incarnation, deleted: false };
}

function isSame<T extends object>(stored: T, merged: { readonly [K in keyof T]?: T[K] }): boolean {
  return Object.entries(merged).every(([name, value]) => Object.is(stored[name as keyof T], value));
}
