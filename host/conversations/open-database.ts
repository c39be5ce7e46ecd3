import { randomUUID } from 'node:crypto';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { HostError } from '../common/errors.ts';
import { renameFile } from '../common/files-in-use.ts';
import type { Logger } from '../common/log.ts';
import { longPath } from '../common/long-path.ts';
import { createPrivateFile } from '../common/private-file.ts';
import { SQLITE, sqliteCode } from '../common/sqlite-code.ts';
import { type Damage, damageOf, isDamage, isSmall, setAside } from '../store/damaged-database.ts';
import { storeError } from '../store/store-error.ts';
import { type Recovered, recoverRows } from './recover-rows.ts';
import { migrate, SCHEMA_VERSION } from './schema.ts';

/** How long a write waits for another host's, milliseconds. The longest is a push of a client's whole database. */
const BUSY_TIMEOUT_MS = 15_000;

/** A database that is ready. */
export interface OpenedDatabase {
  readonly database: DatabaseSync;
  /** Set where it took the place of a damaged one. */
  readonly recovery: Recovery | undefined;
  /** The check of a large database, which runs while the database is used; undefined if it has been checked. */
  readonly check?: Promise<Damage | undefined>;
}

/** What became of a damaged database. */
export interface Recovery extends Recovered {
  /** Where it is now. */
  readonly setAside: string;
}

/**
 * Opens the database of conversations, and makes it if there is none: a file of its own, since conversations cannot be
 * fetched again as a model can. A damaged one is kept under another name, and what can be read of it is copied into a
 * new one. Where that does not succeed, for example on a full disk, the damaged one keeps its place until the next try.
 * A large database is checked while it is used, unless `checkFirst` is set: the check reads all of it.
 *
 * @throws HostError `DISK_FULL`, `CACHE_NOT_WRITABLE`, `CACHE_ERROR`; `DATABASE_TOO_NEW` where a later version of this
 * host has changed it.
 */
export async function openDatabase(
  file: string,
  log: Logger,
  { checkFirst }: { readonly checkFirst: boolean },
): Promise<OpenedDatabase> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await makePrivate(file);
    if (!checkFirst && !(await isSmall(file))) {
      const database = connectIfSound(file);
      // An error that prevents the check is not damage; the first request meets it again.
      if (database !== undefined)
        return { database, recovery: undefined, check: damageOf(file, BUSY_TIMEOUT_MS).catch(() => undefined) };
    }
    const damage = await damageOf(file, BUSY_TIMEOUT_MS);
    const recovery = damage === undefined ? undefined : await recover(file, damage);
    if (recovery !== undefined) log.error('conversations.corrupt', { file, damage: damage?.found, ...recovery });
    await makePrivate(file);
    return { database: connect(file), recovery };
  } catch (error) {
    throw storeError(error, file);
  }
}

function connectIfSound(file: string): DatabaseSync | undefined {
  try {
    return connect(file);
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

/** Copies what can be read into a new database, which then takes the damaged one's place. */
async function recover(file: string, damage: Damage): Promise<Recovery | undefined> {
  const fresh = `${file}.recovered-${randomUUID()}`;
  try {
    createPrivateFile(fresh);
    const recovered = copyReadable(file, fresh);
    const aside = await setAside(file, damage);
    if (aside === undefined) return undefined;
    await renameFile(fresh, file);
    return { ...recovered, setAside: aside };
  } finally {
    for (const suffix of ['', '-wal', '-shm']) await rm(`${fresh}${suffix}`, { force: true });
  }
}

function copyReadable(from: string, to: string): Recovered {
  const into = connect(to);
  let damaged: DatabaseSync | undefined;
  try {
    damaged = new DatabaseSync(longPath(from));
    damaged.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    return recoverRows(damaged, into);
  } catch (error) {
    // Not even its head can be read.
    if (isDamage(error)) return { conversations: 0, messages: 0, isPartial: true };
    throw error;
  } finally {
    damaged?.close();
    // Closing the last connection brings the log into the file and removes it.
    into.close();
  }
}

/** Opens another connection to a database that is ready. */
export function connect(file: string): DatabaseSync {
  const database = new DatabaseSync(longPath(file));
  try {
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON`);
    // Deleted text must be overwritten in the file, and sorting must not copy text to temporary files.
    database.exec('PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY');
    const version = migrate(database);
    if (version > SCHEMA_VERSION) {
      throw new HostError(
        'DATABASE_TOO_NEW',
        `${file} was created by a newer version of the host (schema ${version}; this version supports up to ${SCHEMA_VERSION}). Update the host.`,
        { details: { file, found: version, expected: SCHEMA_VERSION } },
      );
    }
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Returns whether an error of SQLite means that another connection uses the database, or that the disk is full. */
export function isTemporary(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE.BUSY || code === SQLITE.LOCKED || code === SQLITE.FULL;
}

/** Copies the write-ahead log into the database and truncates it. Returns false if another connection prevents that. */
export function checkpoint(database: DatabaseSync): boolean {
  database.exec('PRAGMA busy_timeout = 0');
  try {
    return database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy === 0;
  } catch (error) {
    if (isTemporary(error)) return false;
    throw error;
  } finally {
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  }
}

async function makePrivate(file: string): Promise<void> {
  createPrivateFile(file);
  await chmod(file, 0o600);
}
