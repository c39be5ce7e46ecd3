import type { DatabaseSync } from 'node:sqlite';
import { createYielder } from '../common/yield-to-event-loop.ts';
import { nearest } from '../vectors/nearest.ts';
import { dotProduct } from '../vectors/similarity.ts';
import type { Connection } from './connection.ts';
import { conversationOf, JOINED_CONVERSATION } from './rows.ts';
import type { Conversation } from './types.ts';

/** Models whose vectors are stored. Those of the least recently used model are deleted for another one: a large model's take gigabytes. */
const MAX_MODELS = 3;

/** Length of a snippet, characters. */
const SNIPPET_CHARACTERS = 160;

/** Vectors read at a time: a few megabytes, which takes a few milliseconds. */
const PAGE = 256;

/** A message without a vector. */
export interface MessageWithoutVector {
  readonly number: number;
  readonly content: string;
  /** The number of the message's last change: if it has changed, its vector is not stored. */
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

/** A conversation, and the message of it that was found. */
export interface FoundMessage extends Conversation {
  readonly message_id: string;
  readonly snippet: string;
}

/** The embeddings of messages that one model made. They are deleted with their messages. */
export class MessageVectors {
  readonly #model: string;
  readonly #database: DatabaseSync;
  readonly #connection: Connection;

  constructor(model: string, database: DatabaseSync, connection: Connection) {
    this.#model = model;
    this.#database = database;
    this.#connection = connection;
  }

  /**
   * Starts a search with vectors of this length. Deletes vectors of another length, which another file of the same id
   * made, and those of the least recently used model if there are too many models. The order of use does not depend on
   * the clock alone: two searches may start in the same millisecond, and a clock may be set back.
   */
  start(dimensions: number): void {
    this.#connection.transaction(() => {
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
    this.#connection.eraseRemains();
  }

  /** Returns messages without a vector, newest first. */
  withoutVector(count: number, userId?: string): MessageWithoutVector[] {
    return this.#connection.run(() =>
      this.#database
        .prepare(`SELECT m.number, m.content, m.change ${this.#without(userId)} ORDER BY m.number DESC LIMIT ?`)
        .all(...this.#values(userId), count)
        .map((row) => ({ number: Number(row.number), content: String(row.content), change: Number(row.change) })),
    );
  }

  /** Returns the number of messages without a vector. */
  waiting(userId?: string): number {
    return this.#connection.run(() =>
      Number(
        this.#database.prepare(`SELECT count(*) AS count ${this.#without(userId)}`).get(...this.#values(userId))?.count,
      ),
    );
  }

  /** Stores vectors of messages that have not changed. */
  store(made: readonly { readonly of: MessageWithoutVector; readonly vector: Float32Array }[]): void {
    this.#connection.transaction(() => {
      const write = this.#database.prepare(`INSERT OR REPLACE INTO message_vectors (model, message, vector)
        SELECT v.number, m.number, ? FROM vector_models v, messages m
        WHERE v.model = ? AND v.dimensions = ? AND m.number = ? AND m.change = ? AND m.deleted = 0`);
      for (const { of, vector } of made) {
        write.run(bytesOf(vector), this.#model, vector.length, of.number, of.change);
      }
    });
  }

  /** Yields all vectors of this length, in batches. */
  *all(dimensions: number, userId?: string): Generator<readonly MessageVector[]> {
    const read = this.#database.prepare(`SELECT m.number, m.conversation_id, x.vector
      FROM message_vectors x JOIN vector_models v ON v.number = x.model JOIN messages m ON m.number = x.message
        JOIN conversations c ON c.id = m.conversation_id
      WHERE v.model = ? AND v.dimensions = ? AND x.message > ? AND m.deleted = 0 AND c.deleted = 0
        ${userId === undefined ? '' : 'AND c.user_id = ?'} ORDER BY x.message LIMIT ?`);
    for (let after = 0; ; ) {
      const user = userId === undefined ? [] : [userId];
      const page = this.#connection.run(() => read.all(this.#model, dimensions, after, ...user, PAGE));
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

  /**
   * Returns the message of each conversation that is most similar to a vector, the most similar first. Yields to the
   * event loop between batches. All vectors have length 1.
   */
  async nearest(
    query: Float32Array,
    count: number,
    userId?: string,
  ): Promise<(FoundMessage & { readonly score: number })[]> {
    const best = new Map<string, { readonly number: number; readonly score: number }>();
    const pause = createYielder();
    for (const some of this.all(query.length, userId)) {
      for (const { number, conversation, vector } of some) {
        const score = Math.max(-1, Math.min(1, dotProduct(query, vector)));
        if (score > (best.get(conversation)?.score ?? Number.NEGATIVE_INFINITY)) {
          best.set(conversation, { number, score });
        }
      }
      await pause();
    }
    const messages = [...best.values()];
    const scores = messages.map(({ score }, index) => ({ index, score }));
    return nearest(scores, count).flatMap(({ index, score }) => {
      const message = this.#found(messages[index]?.number ?? 0);
      return message === undefined ? [] : [{ ...message, score }];
    });
  }

  /** Returns the message of a row and its conversation; undefined if it has been deleted. */
  #found(number: number): FoundMessage | undefined {
    const row = this.#connection.run(() =>
      this.#database
        .prepare(`SELECT ${JOINED_CONVERSATION}, m.id AS message_id, substr(m.content, 1, ?) AS snippet
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

/** Returns the floats of a blob as a copy, since a blob need not be aligned; none if its length is invalid. */
function vectorOf(blob: unknown): Float32Array {
  if (!ArrayBuffer.isView(blob) || blob.byteLength % 4 !== 0) return new Float32Array();
  const { buffer, byteOffset, byteLength } = blob;
  return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
}
