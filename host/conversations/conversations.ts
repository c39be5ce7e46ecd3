import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { HostError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { isDamage } from '../store/damaged-database.ts';
import { storeError } from '../store/store-error.ts';
import { ftsQuery } from './fts-query.ts';
import { MessageVectors } from './message-vectors.ts';
import { type OpenedDatabase, openDatabase, type Recovery } from './open-database.ts';
import { CONVERSATION, conversationOf, MESSAGE, messageOf, RowWriter } from './rows.ts';
import { type Pulled, pull, push } from './sync.ts';
import type { Conversation, Message, Slice, SyncCount, Synced } from './types.ts';

/** Characters around a found word that are shown, in words. */
const SNIPPET_WORDS = 12;

/** What a new conversation is made of; what is absent is chosen. */
export interface NewConversation {
  readonly id?: string | undefined;
  readonly user_id?: string | undefined;
  readonly title?: string | undefined;
  readonly topic?: string | undefined;
  readonly domain?: string | undefined;
  readonly created_at?: number | undefined;
}

/** A new message. */
export interface NewMessage {
  readonly id?: string | undefined;
  readonly role: string;
  readonly content: string;
  readonly created_at?: number | undefined;
}

/** A conversation in which something was found: where, and how it reads there. */
export interface Found extends Conversation {
  readonly message_id: string | null;
  readonly snippet: string;
}

/**
 * The conversations of this machine's user: the one owner of the database they are kept in. Every method is one
 * transaction, so that a host that is killed leaves nothing half written.
 */
export class Conversations {
  readonly #file: string;
  readonly #database: DatabaseSync;
  readonly #write: RowWriter;
  /** What became of a damaged database when this was opened; reported once, to whoever lists first. */
  #recovery: Recovery | undefined;
  readonly #onDamage: () => void;

  private constructor(file: string, { database, recovery }: OpenedDatabase, onDamage: () => void) {
    this.#file = file;
    this.#database = database;
    this.#write = new RowWriter(database);
    this.#recovery = recovery;
    this.#onDamage = onDamage;
  }

  /**
   * @param onDamage Called when the database turns out to be damaged: these conversations are closed then.
   * @throws HostError as `openDatabase` does.
   */
  static async open(file: string, log: Logger, onDamage: () => void = () => {}): Promise<Conversations> {
    return new Conversations(file, await openDatabase(file, log), onDamage);
  }

  /** Returns once what became of a damaged database. */
  takeRecovery(): Recovery | undefined {
    const recovery = this.#recovery;
    this.#recovery = undefined;
    return recovery;
  }

  /** Makes a conversation, or gives the one of this id that is there. */
  create(made: NewConversation): { readonly conversation: Conversation; readonly existed: boolean } {
    return this.#atOnce(() => {
      const existing = made.id === undefined ? undefined : this.#find(made.id);
      if (existing !== undefined) return { conversation: existing, existed: true };
      const at = made.created_at ?? now();
      const id = made.id ?? randomUUID();
      const conversation = {
        id,
        user_id: made.user_id ?? 'default',
        title: made.title ?? '',
        topic: made.topic ?? null,
        domain: made.domain ?? null,
        created_at: at,
        // A tombstone of this id has a time of its own, which the new one has to be later than.
        updated_at: Math.max(at, this.#timeOf(id) + 0.001),
      };
      this.#write.conversation({ ...conversation, deleted: false });
      return { conversation, existed: false };
    });
  }

  /** @throws HostError `CONVERSATION_NOT_FOUND`. */
  get(id: string): Conversation {
    const conversation = this.#asked(() => this.#find(id));
    if (conversation === undefined) throw notFound(id);
    return conversation;
  }

  /** Messages in their order. */
  messages(id: string, window: { start: number; count: number }): Slice<Message> {
    return this.#asked(() => ({
      items: this.#database
        .prepare(`SELECT ${MESSAGE} FROM messages WHERE conversation_id = ? AND deleted = 0
          ORDER BY created_at, number LIMIT ? OFFSET ?`)
        .all(id, window.count, window.start)
        .map(messageOf),
      total: this.#count('messages WHERE conversation_id = ? AND deleted = 0', id),
    }));
  }

  /** Conversations, the one with the newest message first. */
  list(window: { start: number; count: number }, userId?: string): Slice<Conversation> {
    const [where, ...values] = userId === undefined ? ['deleted = 0'] : ['deleted = 0 AND user_id = ?', userId];
    return this.#asked(() => ({
      items: this.#database
        .prepare(`SELECT ${CONVERSATION} FROM conversations WHERE ${where}
          ORDER BY updated_at DESC, id LIMIT ? OFFSET ?`)
        .all(...values, window.count, window.start)
        .map(conversationOf),
      total: this.#count(`conversations WHERE ${where}`, ...values),
    }));
  }

  /** Conversations whose title, topic or a message has all these words; the best first, each once. */
  search(query: string, window: { count: number }, userId?: string): Found[] {
    const words = ftsQuery(query);
    return this.#asked(() => {
      const rows = words === undefined ? this.#searchAsIs(query, userId) : this.#searchWords(words, userId);
      const found = new Map<string, Found>();
      for (const row of rows) {
        const id = String(row.id);
        if (found.has(id)) continue;
        if (found.size === window.count) break;
        const messageId = row.message_id === null ? null : String(row.message_id);
        found.set(id, { ...conversationOf(row), message_id: messageId, snippet: String(row.snippet) });
      }
      return [...found.values()];
    });
  }

  /**
   * Adds messages, in their order, behind what is there. One whose id is known already is not added again.
   *
   * @throws HostError `CONVERSATION_NOT_FOUND`.
   */
  addMessages(id: string, messages: readonly NewMessage[]): Message[] {
    return this.#atOnce(() => {
      if (this.#find(id) === undefined) throw notFound(id);
      let latest = 0;
      const added = messages.map((message) => {
        const at = message.created_at ?? Math.max(now(), latest);
        latest = at;
        const row = {
          id: message.id ?? randomUUID(),
          conversation_id: id,
          role: message.role,
          content: message.content,
          created_at: at,
          updated_at: at,
        };
        this.#write.message({ ...row, deleted: false });
        return row;
      });
      this.#write.touch(id, latest);
      return added;
    });
  }

  /**
   * Deletes a conversation and what was said in it; a tombstone without text stays, so that the deletion travels.
   *
   * @throws HostError `CONVERSATION_NOT_FOUND`.
   */
  delete(id: string): void {
    this.#atOnce(() => {
      const conversation = this.#find(id);
      if (conversation === undefined) throw notFound(id);
      const at = Math.max(now(), this.#timeOf(id) + 0.001);
      this.#write.conversation({ ...conversation, updated_at: at, deleted: true });
    });
  }

  /** Takes a client's rows, all or none; see `sync.ts`. */
  push(rows: Synced): { readonly conversations: SyncCount; readonly messages: SyncCount } {
    return this.#atOnce(() => push(this.#database, this.#write, rows));
  }

  /** Gives what changed; see `sync.ts`. */
  pull(options: { after?: number; since?: number; userId?: string; count: number }): Pulled {
    return this.#asked(() => pull(this.#database, options));
  }

  /** The vectors of the messages in here that a model made. */
  vectorsOf(model: string): MessageVectors {
    return new MessageVectors(model, this.#database, {
      asked: (work) => this.#asked(work),
      atOnce: (work) => this.#atOnce(work),
    });
  }

  close(): void {
    this.#database.close();
  }

  #find(id: string): Conversation | undefined {
    const row = this.#database
      .prepare(`SELECT ${CONVERSATION} FROM conversations WHERE id = ? AND deleted = 0`)
      .get(id);
    return row && conversationOf(row);
  }

  /** When a conversation was last written, deleted or not. */
  #timeOf(id: string): number {
    return Number(this.#database.prepare('SELECT updated_at FROM conversations WHERE id = ?').get(id)?.updated_at ?? 0);
  }

  #count(what: string, ...values: string[]): number {
    return Number(this.#database.prepare(`SELECT count(*) AS count FROM ${what}`).get(...values)?.count);
  }

  #searchWords(words: string, userId: string | undefined) {
    const columns = CONVERSATION.split(', ').map((column) => `c.${column}`);
    const [user, ...values] = userId === undefined ? [''] : ['AND c.user_id = ?', userId];
    return this.#database
      .prepare(`
        SELECT ${columns.join(', ')}, NULL AS message_id, snippet(title_words, -1, '', '', '…', ${SNIPPET_WORDS}) AS snippet,
          2 * bm25(title_words) AS rank
        FROM title_words JOIN conversations c ON c.rowid = title_words.rowid
        WHERE title_words MATCH ? AND c.deleted = 0 ${user}
        UNION ALL
        SELECT ${columns.join(', ')}, m.id, snippet(message_words, 0, '', '', '…', ${SNIPPET_WORDS}), bm25(message_words)
        FROM message_words JOIN messages m ON m.number = message_words.rowid JOIN conversations c ON c.id = m.conversation_id
        WHERE message_words MATCH ? AND m.deleted = 0 AND c.deleted = 0 ${user}
        ORDER BY rank`)
      .iterate(words, ...values, words, ...values);
  }

  #searchAsIs(text: string, userId: string | undefined) {
    const columns = CONVERSATION.split(', ').map((column) => `c.${column}`);
    const [user, ...values] = userId === undefined ? [''] : ['AND c.user_id = ?', userId];
    return this.#database
      .prepare(`
        SELECT ${columns.join(', ')}, NULL AS message_id, c.title AS snippet, c.updated_at AS at FROM conversations c
        WHERE instr(c.title, ?) > 0 AND c.deleted = 0 ${user}
        UNION ALL
        SELECT ${columns.join(', ')}, m.id, substr(m.content, max(1, instr(m.content, ?) - 40), 120), m.created_at
        FROM messages m JOIN conversations c ON c.id = m.conversation_id
        WHERE instr(m.content, ?) > 0 AND m.deleted = 0 AND c.deleted = 0 ${user}
        ORDER BY at DESC`)
      .iterate(text, ...values, text, text, ...values);
  }

  /** One transaction: all of it is written, or nothing. */
  #atOnce<R>(work: () => R): R {
    return this.#asked(() => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        this.#database.exec('COMMIT');
        return result;
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  #asked<R>(work: () => R): R {
    try {
      return work();
    } catch (error) {
      if (isDamage(error)) {
        // The next one to open it finds the damage, and recovers what can be read.
        this.close();
        this.#onDamage();
      }
      throw storeError(error, this.#file);
    }
  }
}

/** Unix seconds, to the millisecond. */
function now(): number {
  return Date.now() / 1000;
}

function notFound(id: string): HostError {
  return new HostError('CONVERSATION_NOT_FOUND', `Conversation ${id} does not exist.`, {
    details: { conversation_id: id },
  });
}
