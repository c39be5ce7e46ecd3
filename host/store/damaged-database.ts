import { stat } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { isSystemError } from '../common/errors.ts';
import { renameFile } from '../common/files-in-use.ts';
import { longPath } from '../common/long-path.ts';
import { SQLITE, sqliteCode } from '../common/sqlite-code.ts';

/** A database that was found damaged. */
export interface Damage {
  /** What SQLite says of it: a result code, or the first line of its check. */
  readonly found: number | string;
  /** Tells the file from one that another host puts in its place. */
  readonly inode: bigint;
}

/**
 * Checks the structure of a database, which reads all of it. Returns undefined for a sound one, and for a file that is
 * not there. Throws what is no damage: no space, no permission, no file descriptors.
 */
export async function damageOf(file: string, busyTimeoutMs: number): Promise<Damage | undefined> {
  const inode = await inodeOf(file);
  const found = inode === undefined ? undefined : check(file, busyTimeoutMs);
  return inode === undefined || found === undefined ? undefined : { found, inode };
}

/**
 * Gives a damaged database another name, with its log files, so that another can take its place.
 *
 * @returns The new name; undefined when another host that found the same damage was faster.
 */
export async function setAside(file: string, { inode }: Damage): Promise<string | undefined> {
  if ((await inodeOf(file)) !== inode) return undefined;
  const aside = `${file}.corrupt-${Date.now()}`;
  for (const suffix of ['', '-wal', '-shm']) {
    await renameFile(`${file}${suffix}`, `${aside}${suffix}`).catch((error: unknown) => {
      if (!isSystemError(error, 'ENOENT')) throw error;
    });
  }
  return aside;
}

/** Says whether SQLite reports that a database is damaged. */
export function isDamage(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE.CORRUPT || code === SQLITE.NOTADB;
}

async function inodeOf(file: string): Promise<bigint | undefined> {
  try {
    return (await stat(file, { bigint: true })).ino;
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function check(file: string, busyTimeoutMs: number): number | string | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(longPath(file));
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    const [result] = database.prepare('PRAGMA quick_check(1)').all();
    return result?.quick_check === 'ok' ? undefined : String(result?.quick_check);
  } catch (error) {
    if (isDamage(error)) return sqliteCode(error);
    throw error;
  } finally {
    database?.close();
  }
}
