import { stat } from 'node:fs/promises';
import * as sqlite from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { isSystemError } from '../common/errors.ts';
import { renameFile } from '../common/files-in-use.ts';
import { longPath } from '../common/long-path.ts';
import { SQLITE, sqliteCode } from '../common/sqlite-code.ts';

/** Size up to which a database is small, in bytes: its check takes a few milliseconds. */
const MAX_SMALL_BYTES = 4 * 1024 * 1024;

/** The damage of a database. */
export interface Damage {
  /** The result code of SQLite, or the first line of its integrity check. */
  readonly found: number | string;
  /** Distinguishes the file from a new one with which another host may have replaced it. */
  readonly inode: bigint;
}

/**
 * Checks the structure of a database, reading all of it. Returns undefined if it is intact or does not exist. Throws
 * other errors, such as a full disk, missing permissions or too many open files.
 */
export async function damageOf(file: string, busyTimeoutMs: number): Promise<Damage | undefined> {
  const inode = await inodeOf(file);
  const found = inode === undefined ? undefined : await check(file, busyTimeoutMs);
  return inode === undefined || found === undefined ? undefined : { found, inode };
}

/**
 * Renames a damaged database and its log files. A new database can then be created.
 *
 * @returns The new name; undefined if another host renamed it first.
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

/** Returns whether a database is small enough to be checked within a few milliseconds. */
export async function isSmall(file: string): Promise<boolean> {
  return (await stat(file)).size <= MAX_SMALL_BYTES;
}

/** Returns whether an error of SQLite means that a database is damaged. */
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

/** The result of a check: the first finding, if any, or the error that SQLite reported. */
type CheckResult = { readonly found?: string | undefined } | { readonly error: { message: string; errcode: number } };

async function check(file: string, busyTimeoutMs: number): Promise<number | string | undefined> {
  const data = { path: longPath(file), busyTimeoutMs };
  const result = (await isSmall(file)) ? checkStructure(sqlite, data) : await checkInThread(data);
  if (!('error' in result)) return result.found;
  const error = Object.assign(new Error(result.error.message), result.error);
  if (isDamage(error)) return sqliteCode(error);
  throw error;
}

/** Checks in a worker thread, because the check of a large database takes seconds. */
async function checkInThread(data: Parameters<typeof checkStructure>[1]): Promise<CheckResult> {
  const source = `const { parentPort, workerData } = require('node:worker_threads');
    parentPort.postMessage((${checkStructure})(require('node:sqlite'), workerData));`;
  const worker = new Worker(source, { eval: true, name: 'tabagent-check', workerData: data, execArgv: [] });
  // A check must not keep the process alive.
  worker.unref();
  const { promise, resolve, reject } = Promise.withResolvers<CheckResult>();
  worker.once('message', resolve);
  worker.once('error', reject);
  worker.once('exit', () => reject(new Error('The thread that checks the database exited')));
  return promise;
}

/** Runs in this thread or, as source text, in a worker thread, so it must not refer to anything outside. */
function checkStructure(
  { DatabaseSync }: Pick<typeof import('node:sqlite'), 'DatabaseSync'>,
  { path, busyTimeoutMs }: { readonly path: string; readonly busyTimeoutMs: number },
): CheckResult {
  let database: InstanceType<typeof DatabaseSync> | undefined;
  try {
    database = new DatabaseSync(path);
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    const [result] = database.prepare('PRAGMA quick_check(1)').all();
    return { found: result?.quick_check === 'ok' ? undefined : String(result?.quick_check) };
  } catch (error) {
    const { message, errcode } = error as { message: string; errcode: number };
    return { error: { message, errcode } };
  } finally {
    database?.close();
  }
}
