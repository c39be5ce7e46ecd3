import type { DatabaseSync } from 'node:sqlite';
import { isDamage } from '../store/damaged-database.ts';
import { storeError } from '../store/store-error.ts';
import { Eraser } from './eraser.ts';
import type { RowWriter } from './rows.ts';

/**
 * The connection to the database of conversations. It converts the errors of SQLite, erases the remains of removed
 * text, and closes a database that turns out to be damaged.
 */
export class Connection {
  readonly #file: string;
  readonly #database: DatabaseSync;
  readonly #write: RowWriter;
  readonly #onDamage: () => void;
  readonly #eraser: Eraser;

  /** @param options.onDamage Called after the database was closed because it is damaged. */
  constructor(options: { file: string; database: DatabaseSync; write: RowWriter; onDamage: () => void }) {
    this.#file = options.file;
    this.#database = options.database;
    this.#write = options.write;
    this.#onDamage = options.onDamage;
    this.#eraser = new Eraser(options.database, (error) => this.#closeIfDamaged(error));
    // A host that was killed may have left deleted text behind.
    this.#eraser.start();
  }

  /** Runs `work` and converts its errors. */
  run<R>(work: () => R): R {
    try {
      return work();
    } catch (error) {
      this.#closeIfDamaged(error);
      throw storeError(error, this.#file);
    }
  }

  /** Runs `work` in a transaction. Afterwards, erases the remains of text that it removed. */
  transaction<R>(work: () => R): R {
    return this.run(() => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        this.#database.exec('COMMIT');
        if (this.#write.takeHasRemovedText()) this.#eraser.start();
        return result;
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        this.#write.takeHasRemovedText();
        throw error;
      }
    });
  }

  /** Erases the remains of deleted text and vectors. */
  eraseRemains(): void {
    this.#eraser.start();
  }

  /** Erases the remains of deleted text, and closes the database. */
  close(): void {
    this.#eraser.finish();
    if (this.#database.isOpen) this.#database.close();
  }

  /** Closes a damaged database. The next host to open it finds the damage, and recovers what can be read. */
  closeDamaged(): void {
    this.#eraser.stop();
    if (this.#database.isOpen) this.#database.close();
    this.#onDamage();
  }

  #closeIfDamaged(error: unknown): void {
    if (isDamage(error)) this.closeDamaged();
  }
}
