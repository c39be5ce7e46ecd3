import type { DatabaseSync } from 'node:sqlite';
import { checkpoint, isTemporary } from './open-database.ts';

/** Time after which erasing pauses for other requests, milliseconds. */
const SLICE_MS = 20;

/** Pause before the next attempt if another host was using the database or the disk was full, milliseconds. */
const RETRY_MS = 200;

/** How long closing the database waits for the rest to be erased, milliseconds. */
const FINISH_MS = 3_000;

/**
 * Erases the remains of deleted text: its words in the search index, which takes milliseconds for each message, and its
 * copies in the write-ahead log. A long deletion continues between other requests, and if the host is killed, in the
 * next host.
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

  /** Erases for {@link SLICE_MS}, and schedules the rest. */
  start(): void {
    this.stop();
    if (!this.#database.isOpen) return;
    const result = this.#step();
    if (result === 'done') return;
    this.#timer = setTimeout(() => this.start(), result === 'more' ? 0 : RETRY_MS);
    this.#timer.unref();
  }

  /** Erases everything, unless that takes longer than {@link FINISH_MS} or another host is using the database. */
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
      if (isTemporary(error)) return 'later';
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
