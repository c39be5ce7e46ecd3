import type { DatabaseSync } from 'node:sqlite';
import { CONVERSATION, conversationOf } from './rows.ts';
import type { Conversation } from './types.ts';

/** Models whose vectors are kept; those of the one used longest ago go for another's. A large model's take gigabytes. */
const MAX_MODELS = 3;

/** Characters of a message that are shown. */
const SNIPPET_CHARACTERS = 160;

/** Vectors read at once: some megabytes, and less time than anybody notices. */
const PAGE = 256;

/** How the owner of the database has it asked: with its errors, and in one transaction. */
export interface Transactions {
  asked<R>(work: () => R): R;
  atOnce<R>(work: () => R): R;
}

/** A message that has no vector yet. */
export interface Unseen {
  readonly number: number;
  readonly content: string;
  /** The number of the message's last change: the vector of a text that has changed since is not kept. */
  readonly change: number;
}

/** A message's vector. */
export interface MessageVector {
  /** The message, by its row. */
  readonly number: number;
  /** The conversation it is in. */
  readonly conversation: string;
  readonly vector: Float32Array;
}

/** Where in a conversation something was found, and how it begins. */
export interface FoundMessage extends Conversation {
  readonly message_id: string;
  readonly snippet: string;
}

/** What one model's vectors say of the messages: made once, kept beside them, gone with their texts. */
export class MessageVectors {
  readonly #model: string;
  readonly #database: DatabaseSync;
  readonly #transactions: Transactions;

  constructor(model: string, database: DatabaseSync, transactions: Transactions) {
    this.#model = model;
    this.#database = database;
    this.#transactions = transactions;
  }

  /**
   * Begins a search with vectors of so many numbers. Those of another length are of another file under the same id, and
   * go; so do those of the model used longest ago, where too many have some. Which that is follows the order of the
   * searches: two may fall into one millisecond, and a clock may be set back.
   */
  begin(dimensions: number): void {
    this.#transactions.atOnce(() => {
      this.#database
        .prepare('DELETE FROM vector_models WHERE model = ? AND dimensions <> ?')
        .run(this.#model, dimensions);
      this.#database
        .prepare(`INSERT INTO vector_models (model, dimensions, used_at)
          VALUES (?, ?, max(?, (SELECT coalesce(max(used_at), 0) + 0.001 FROM vector_models)))
          ON CONFLICT (model) DO UPDATE SET used_at = excluded.used_at`)
        .run(this.#model, dimensions, Date.now() / 1000);
      this.#database
        .prepare(`DELETE FROM vector_models WHERE model <> ? AND number NOT IN
          (SELECT number FROM vector_models WHERE model <> ? ORDER BY used_at DESC LIMIT ?)`)
        .run(this.#model, this.#model, MAX_MODELS - 1);
    });
  }

  /** Messages without a vector, the newest first. */
  unseen(count: number, userId?: string): Unseen[] {
    return this.#transactions.asked(() =>
      this.#database
        .prepare(`SELECT m.number, m.content, m.change ${this.#without(userId)} ORDER BY m.number DESC LIMIT ?`)
        .all(...this.#values(userId), count)
        .map((row) => ({ number: Number(row.number), content: String(row.content), change: Number(row.change) })),
    );
  }

  /** How many messages have no vector. */
  waiting(userId?: string): number {
    return this.#transactions.asked(() =>
      Number(
        this.#database.prepare(`SELECT count(*) AS count ${this.#without(userId)}`).get(...this.#values(userId))?.count,
      ),
    );
  }

  /** Keeps vectors of messages whose text is still the same. */
  keep(made: readonly { readonly of: Unseen; readonly vector: Float32Array }[]): void {
    this.#transactions.atOnce(() => {
      const write = this.#database.prepare(`INSERT OR REPLACE INTO message_vectors (model, message, vector)
        SELECT v.number, m.number, ? FROM vector_models v, messages m
        WHERE v.model = ? AND v.dimensions = ? AND m.number = ? AND m.change = ? AND m.deleted = 0`);
      for (const { of, vector } of made) {
        write.run(bytesOf(vector), this.#model, vector.length, of.number, of.change);
      }
    });
  }

  /** Every vector of this length there is, some at a time. */
  *all(dimensions: number, userId?: string): Generator<readonly MessageVector[]> {
    const read = this.#database.prepare(`SELECT m.number, m.conversation_id, x.vector
      FROM message_vectors x JOIN vector_models v ON v.number = x.model JOIN messages m ON m.number = x.message
        JOIN conversations c ON c.id = m.conversation_id
      WHERE v.model = ? AND v.dimensions = ? AND x.message > ? AND m.deleted = 0 AND c.deleted = 0
        ${userId === undefined ? '' : 'AND c.user_id = ?'} ORDER BY x.message LIMIT ?`);
    for (let after = 0; ; ) {
      const user = userId === undefined ? [] : [userId];
      const page = this.#transactions.asked(() => read.all(this.#model, dimensions, after, ...user, PAGE));
      if (page.length === 0) return;
      const vectors = page.map((row) => ({
        number: Number(row.number),
        conversation: String(row.conversation_id),
        vector: vectorOf(row.vector),
      }));
      yield vectors.filter(({ vector }) => vector.length === dimensions);
      after = vectors.at(-1)?.number ?? after;
    }
  }

  /** The message of a row and its conversation; undefined where it has been deleted meanwhile. */
  found(number: number): FoundMessage | undefined {
    const columns = CONVERSATION.split(', ').map((column) => `c.${column}`);
    const row = this.#transactions.asked(() =>
      this.#database
        .prepare(`SELECT ${columns.join(', ')}, m.id AS message_id, substr(m.content, 1, ?) AS snippet
          FROM messages m JOIN conversations c ON c.id = m.conversation_id
          WHERE m.number = ? AND m.deleted = 0 AND c.deleted = 0`)
        .get(SNIPPET_CHARACTERS, number),
    );
    return row && { ...conversationOf(row), message_id: String(row.message_id), snippet: String(row.snippet) };
  }

  #without(userId: string | undefined): string {
    return `FROM messages m JOIN conversations c ON c.id = m.conversation_id
      WHERE m.deleted = 0 AND c.deleted = 0 AND m.content <> '' ${userId === undefined ? '' : 'AND c.user_id = ?'}
        AND NOT EXISTS (SELECT 1 FROM message_vectors x JOIN vector_models v ON v.number = x.model
          WHERE v.model = ? AND x.message = m.number)`;
  }

  #values(userId: string | undefined): string[] {
    return userId === undefined ? [this.#model] : [userId, this.#model];
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The floats of a blob, copied: where a blob begins in memory fits no float. One of a broken length has none. */
function vectorOf(blob: unknown): Float32Array {
  if (!ArrayBuffer.isView(blob) || blob.byteLength % 4 !== 0) return new Float32Array();
  const { buffer, byteOffset, byteLength } = blob;
  return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
}
