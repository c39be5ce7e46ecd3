import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { JsonObject } from '../common/json.ts';
import { mergeConversations, mergeMessages, NO_SETTINGS, NO_TEXT } from './merge.ts';
import type {
  Conversation,
  ConversationRow,
  Message,
  MessageDetails,
  MessageRow,
  MessageStatus,
  PushedConversation,
  PushedMessage,
} from './types.ts';

type Row = Record<string, SQLOutputValue>;

/** Columns of a conversation in replies. */
export const CONVERSATION =
  'id, user_id, title, topic, domain, created_at, updated_at, pinned, system_prompt, model, settings';
/** Columns of a message in replies. */
export const MESSAGE = 'id, conversation_id, role, content, created_at, updated_at, status, model, details';
/** Columns of a conversation that copies exchange. */
export const CONVERSATION_ROW = `${CONVERSATION}, title_updated_at, selected_id, selected_at, incarnation, deleted`;
/** Columns of a message that copies exchange. */
export const MESSAGE_ROW = `${MESSAGE}, parent_id, incarnation, position, deleted`;

/** {@link CONVERSATION} of the table `c`, for a join with another table that has columns of the same names. */
export const JOINED_CONVERSATION = CONVERSATION.replace(/\w+/g, 'c.$&');

/** Returns the time in Unix seconds, to the millisecond. */
export function now(): number {
  return Date.now() / 1000;
}

/** Returns the time of a change: now, but later than the previous change, whatever the clock says. */
export function laterThan(previous: number): number {
  return Math.max(now(), previous + 0.001);
}

/** Converts a row of {@link CONVERSATION}. The tables are STRICT, so each column has its type. */
export function conversationOf(row: Row): Conversation {
  return {
    id: String(row.id),
    user_id: String(row.user_id),
    title: String(row.title),
    topic: textOrNull(row.topic),
    domain: textOrNull(row.domain),
    created_at: Number(row.created_at),
    updated_at: Number(row.updated_at),
    pinned: row.pinned === 1,
    system_prompt: textOrNull(row.system_prompt),
    model: textOrNull(row.model),
    settings: jsonOrNull(row.settings) as JsonObject | null,
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
    status: String(row.status) as MessageStatus,
    model: textOrNull(row.model),
    details: jsonOrNull(row.details) as MessageDetails | null,
  };
}

/** Converts a row of {@link CONVERSATION_ROW}. */
export function conversationRowOf(row: Row): ConversationRow {
  return {
    ...conversationOf(row),
    title_updated_at: Number(row.title_updated_at),
    selected_id: textOrNull(row.selected_id),
    selected_at: Number(row.selected_at),
    incarnation: Number(row.incarnation),
    deleted: row.deleted === 1,
  };
}

/** Converts a row of {@link MESSAGE_ROW}. */
export function messageRowOf(row: Row): MessageRow {
  return {
    ...messageOf(row),
    parent_id: textOrNull(row.parent_id),
    incarnation: Number(row.incarnation),
    position: Number(row.position),
    deleted: row.deleted === 1,
  };
}

function textOrNull(value: SQLOutputValue | undefined): string | null {
  return value == null ? null : String(value);
}

/** This host wrote the JSON, or checked it. */
function jsonOrNull(value: SQLOutputValue | undefined): unknown {
  return value == null ? null : JSON.parse(String(value));
}

export function jsonText(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

/** A conversation, with a field that copies do not exchange. */
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
  readonly #selectMessage: StatementSync;
  readonly #numberConversation: StatementSync;
  readonly #nextChange: StatementSync;
  #hasRemovedText = false;

  constructor(database: DatabaseSync) {
    this.#readConversation = database.prepare(`SELECT ${CONVERSATION_ROW}, deleted_at FROM conversations WHERE id = ?`);
    this.#writeConversation = database.prepare(`
      INSERT INTO conversations (${CONVERSATION_ROW}, deleted_at, change) VALUES (${placeholders(CONVERSATION_ROW)}, ?, ?)
      ON CONFLICT (id) DO UPDATE SET ${updates(CONVERSATION_ROW)}, deleted_at = excluded.deleted_at, change = excluded.change`);
    this.#readMessage = database.prepare(`SELECT ${MESSAGE_ROW} FROM messages WHERE id = ?`);
    this.#writeMessage = database.prepare(`
      INSERT INTO messages (${MESSAGE_ROW}, writer, change) VALUES (${placeholders(MESSAGE_ROW)}, ?, ?)
      ON CONFLICT (id) DO UPDATE SET ${updates(MESSAGE_ROW)},
        writer = iif(excluded.status = 'streaming', messages.writer, NULL), change = excluded.change`);
    this.#liveMessages = database.prepare('SELECT id FROM messages WHERE conversation_id = ? AND deleted = 0');
    this.#deleteMessage = database.prepare(
      `UPDATE messages SET content = '', details = NULL, status = 'done', model = NULL, writer = NULL, deleted = 1,
        updated_at = max(updated_at, ?), change = ? WHERE id = ?`,
    );
    this.#touchConversation = database.prepare(
      'UPDATE conversations SET updated_at = ?, change = ? WHERE id = ? AND updated_at < ?',
    );
    this.#selectMessage = database.prepare(
      `UPDATE conversations SET selected_id = ?, selected_at = ?
        WHERE id = ? AND (selected_at < ? OR (selected_at = ? AND selected_id < ?))`,
    );
    this.#numberConversation = database.prepare('UPDATE conversations SET change = ? WHERE id = ?');
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
    const isKnown = stored !== undefined && stored.incarnation === incarnation;
    const known = isKnown ? stored : NO_SETTINGS;
    const { pinned, system_prompt, model, settings, selected_id, selected_at } = pushed;
    const incoming: ConversationRow = {
      ...pushed,
      pinned: pinned ?? known.pinned,
      system_prompt: system_prompt === undefined ? known.system_prompt : system_prompt,
      model: model === undefined ? known.model : model,
      settings: settings === undefined ? known.settings : settings,
      selected_id: selected_at === undefined ? known.selected_id : (selected_id ?? null),
      selected_at: selected_at ?? known.selected_at,
      ...(pushed.deleted ? NO_TEXT : {}),
      title_updated_at: pushed.title_updated_at ?? pushed.updated_at,
      incarnation,
    };
    return this.#store(stored, stored === undefined ? incoming : mergeConversations(stored, incoming));
  }

  /**
   * Merges a message. Creates a conversation without a title for it if there is none.
   *
   * @param writer The host that is generating the message.
   */
  message(pushed: PushedMessage, writer: string | null = null): WriteResult {
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
    const change = this.nextChange();
    const before = stored?.incarnation === incarnation && !stored.deleted ? stored : undefined;
    const incoming: MessageRow = {
      ...pushed,
      content: pushed.deleted ? '' : pushed.content,
      status: pushed.deleted ? 'done' : statusOf(pushed, before, writer),
      model: pushed.deleted ? null : or(pushed.model, before?.model),
      details: pushed.deleted ? null : or(pushed.details, before?.details),
      parent_id: or(pushed.parent_id, stored?.parent_id),
      incarnation,
      position: pushed.position ?? change,
    };
    const merged = stored === undefined ? incoming : mergeMessages(stored, incoming);
    if (!isDead && !merged.deleted) {
      this.touch(pushed.conversation_id, merged.updated_at);
      this.select(pushed.conversation_id, merged.id, merged.created_at);
    }
    if (stored !== undefined && isSame(stored, merged)) return 'skipped';
    if (stored !== undefined && (stored.content !== merged.content || stored.details !== null)) {
      this.#hasRemovedText = true;
    }
    const { content, updated_at, deleted, role } = merged;
    this.#writeMessage.run(
      merged.id,
      merged.conversation_id,
      role,
      content,
      merged.created_at,
      updated_at,
      merged.status,
      merged.model,
      jsonText(merged.details),
      merged.parent_id,
      merged.incarnation,
      merged.position,
      Number(deleted),
      writer,
      change,
    );
    const isOlder = stored !== undefined && stored.updated_at === updated_at && stored.content === content;
    return isOlder && stored.deleted === deleted && stored.role === role ? 'skipped' : 'written';
  }

  /** Replaces a message that exists by a tombstone. */
  deleteMessage(id: string): void {
    const row = this.#readMessage.get(id);
    if (row !== undefined) this.#delete(id, laterThan(messageRowOf(row).updated_at));
  }

  /** Shows the branch of a message, unless another one was selected later. */
  select(id: string, messageId: string, at: number): void {
    const { changes } = this.#selectMessage.run(messageId, at, id, at, at, messageId);
    if (changes > 0) this.#numberConversation.run(this.nextChange(), id);
  }

  /** Sets the time of the last change of a conversation, unless it is later. */
  touch(id: string, updatedAt: number): void {
    this.#touchConversation.run(updatedAt, this.nextChange(), id, updatedAt);
  }

  /** Returns the number of the next change of a row. */
  nextChange(): number {
    return Number(this.#nextChange.get()?.change);
  }

  #store(stored: StoredConversation | undefined, row: ConversationRow): boolean {
    if (stored !== undefined && isSame(stored, row)) return false;
    const isNewIncarnation = stored !== undefined && row.incarnation > stored.incarnation;
    const deletedAt =
      row.deleted || isNewIncarnation
        ? Math.max(stored?.deletedAt ?? 0, deletionTime(stored, row))
        : (stored?.deletedAt ?? 0);
    if (stored !== undefined && textsOf(stored) !== textsOf(row)) this.#hasRemovedText = true;
    this.#writeConversation.run(
      row.id,
      row.user_id,
      row.title,
      row.topic,
      row.domain,
      row.created_at,
      row.updated_at,
      Number(row.pinned),
      row.system_prompt,
      row.model,
      jsonText(row.settings),
      row.title_updated_at,
      row.selected_id,
      row.selected_at,
      row.incarnation,
      Number(row.deleted),
      deletedAt,
      this.nextChange(),
    );
    if (row.deleted || isNewIncarnation) this.#deleteMessages(row.id, row.deleted ? row.updated_at : 0);
    return true;
  }

  /** Replaces all messages of a conversation by tombstones. Each has its own change number, since a pull may be split. */
  #deleteMessages(id: string, at: number): void {
    for (const { id: messageId } of this.#liveMessages.all(id)) this.#delete(String(messageId), at);
  }

  #delete(messageId: string, at: number): void {
    this.#deleteMessage.run(at, this.nextChange(), messageId);
    this.#hasRemovedText = true;
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
  const heading = { user_id: 'default', title_updated_at: 0, ...NO_TEXT, selected_at: 0 };
  return { id, ...heading, created_at, updated_at, incarnation, deleted: false };
}

function textsOf({ title, topic, domain, system_prompt, settings }: ConversationRow): string {
  return JSON.stringify([title, topic, domain, system_prompt, settings]);
}

/** Returns the status of a message. An answer that is generated into another database does not grow in this one. */
function statusOf({ status }: PushedMessage, before: MessageRow | undefined, writer: string | null): MessageStatus {
  if (status === 'streaming' && writer === null) return before?.status ?? 'stopped';
  return status ?? before?.status ?? 'done';
}

/** Returns the value or, if it is undefined, the other one. */
function or<T>(value: T | null | undefined, other: T | null | undefined): T | null {
  return value === undefined ? (other ?? null) : value;
}

/** Returns a placeholder for each of a list of columns. */
function placeholders(columns: string): string {
  return columns.replace(/\w+/g, '?');
}

/** Returns the assignments of an upsert for a list of columns, except those that identify the row. */
function updates(columns: string): string {
  return columns
    .split(', ')
    .filter((name) => name !== 'id' && name !== 'conversation_id')
    .map((name) => `${name} = excluded.${name}`)
    .join(', ');
}

function isSame<T extends object>(stored: T, merged: { readonly [K in keyof T]?: T[K] }): boolean {
  return Object.entries(merged).every(([name, value]) => isEqual(stored[name as keyof T], value));
}

function isEqual(a: unknown, b: unknown): boolean {
  return Object.is(a, b) || (typeof a === 'object' && JSON.stringify(a) === JSON.stringify(b));
}
