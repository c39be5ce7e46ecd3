import { chmod, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { HostError, isSystemError } from '../common/errors.ts';
import { renameFile } from '../common/files-in-use.ts';
import type { Logger } from '../common/log.ts';
import { longPath } from '../common/long-path.ts';
import { createPrivateFile } from '../common/private-file.ts';
import { SQLITE, sqliteCode } from '../store/sqlite-code.ts';
import { storeError } from '../store/store-error.ts';
import { migrate, SCHEMA_VERSION } from './schema.ts';

/** How long a write waits for another host's, milliseconds. The longest is a push of everything a client has. */
const BUSY_TIMEOUT_MS = 15_000;

/** A database that is ready, and where a damaged one before it was put. */
export interface OpenedDatabase {
  readonly database: DatabaseSync;
  readonly setAside: string | undefined;
}

/**
 * Opens the database of conversations, making it where there is none: a file of its own, since these cannot be fetched
 * again as a model can. One that is damaged is kept under another name, and a new one begun.
 *
 * @throws HostError `DISK_FULL`, `CACHE_NOT_WRITABLE`, `CACHE_ERROR`; `DATABASE_TOO_NEW` where a later version of this
 * host has changed it.
 */
export async function openDatabase(file: string, log: Logger): Promise<OpenedDatabase> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await makePrivate(file);
    try {
      return { database: connect(file), setAside: undefined };
    } catch (error) {
      const code = sqliteCode(error);
      if (code !== SQLITE.CORRUPT && code !== SQLITE.NOTADB) throw error;
      const setAside = await moveAway(file);
      log.error('conversations.corrupt', { file, setAside });
      await makePrivate(file);
      return { database: connect(file), setAside };
    }
  } catch (error) {
    throw storeError(error, file);
  }
}

/** Opens another connection to a database that is ready. */
export function connect(file: string): DatabaseSync {
  const database = new DatabaseSync(longPath(file));
  try {
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON`);
    // What a user deletes is to be gone from the disk, not only from the tables.
    database.exec('PRAGMA secure_delete = ON');
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

async function makePrivate(file: string): Promise<void> {
  createPrivateFile(file);
  await chmod(file, 0o600);
}

async function moveAway(file: string): Promise<string> {
  const aside = `${file}.corrupt-${Date.now()}`;
  for (const suffix of ['', '-wal', '-shm']) {
    await renameFile(`${file}${suffix}`, `${aside}${suffix}`).catch((error: unknown) => {
      if (!isSystemError(error, 'ENOENT')) throw error;
    });
  }
  return aside;
}
