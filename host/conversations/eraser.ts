import type { DatabaseSync } from 'node:sqlite';
import { SQLITE, sqliteCode } from '../common/sqlite-code.ts';
import { checkpoint } from './open-database.ts';

/** How long the words of deleted messages are erased without a pause for other requests, milliseconds. */
const SLICE_MS = 20;

/** Pause before another try if another host used the database, or the disk was full, milliseconds. */
const RETRY_MS = 200;

/** How long the database stays open when it is closed before everything is erased, milliseconds. */
const FINISH_MS = 3_000;

/**
 * Erases what is left of deleted text: its words in the search index, which takes milliseconds for each message, and its
 * copies in the write-ahead log. The rest of a long deletion is erased between other requests, and what a killed host
 * did not erase by the next one.
 */
export class Eraser {
  readonly #database: DatabaseSync;
  readonly #onError: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param onError Called with an error other than that the database is in use, or that the disk is full. */
  constructor(database: DatabaseSync, onError: (error: unknown) => void) {
    this.#database = database;
    this.#onError = onError;
  }

  /** Erases for a moment, and the rest later. */
  start(): void {
    this.stop();
    if (!this.#database.isOpen) return;
    const result = this.#step();
    if (result === 'done') return;
    this.#timer = setTimeout(() => this.start(), result === 'more' ? 0 : RETRY_MS);
    this.#timer.unref();
  }

  /** Erases everything, unless that takes too long or another host uses the database. */
  finish(): void {
    this.stop();
    const end = performance.now() + FINISH_MS;
    while (this.#database.isOpen && this.#step() === 'more' && performance.now() < end);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #step(): 'done' | 'more' | 'later' {
    try {
      if (this.#eraseWords()) return 'more';
      return checkpoint(this.#database) ? 'done' : 'later';
    } catch (error) {
      const code = sqliteCode(error);
      if (code === SQLITE.BUSY || code === SQLITE.LOCKED || code === SQLITE.FULL) return 'later';
      this.#onError(error);
      return 'done';
    }
  }

  /** Returns whether there are more words to erase. */
  #eraseWords(): boolean {
    const next = this.#database.prepare('SELECT number FROM erasures LIMIT 1');
    if (next.get() === undefined) return false;
    const erase = this.#database.prepare(
      "INSERT INTO message_words (message_words, rowid, content) SELECT 'delete', number, content FROM erasures WHERE number = ?",
    );
    const empty = this.#database.prepare("INSERT INTO message_words (rowid, content) VALUES (?, '')");
    const forget = this.#database.prepare('DELETE FROM erasures WHERE number = ?');
    const end = performance.now() + SLICE_MS;
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      let row = next.get();
      for (; row !== undefined && performance.now() < end; row = next.get()) {
        const { number = null } = row;
        erase.run(number);
        empty.run(number);
        forget.run(number);
      }
      this.#database.exec('COMMIT');
      return row !== undefined;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}
