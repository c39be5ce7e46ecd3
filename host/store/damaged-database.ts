import { stat } from 'node:fs/promises';
import * as sqlite from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { isSystemError } from '../common/errors.ts';
import { renameFile } from '../common/files-in-use.ts';
import { longPath } from '../common/long-path.ts';
import { SQLITE, sqliteCode } from '../common/sqlite-code.ts';

/** Largest database that counts as small, bytes: its check takes a few milliseconds. */
const MAX_SMALL_BYTES = 4 * 1024 * 1024;

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
  const found = inode === undefined ? undefined : await check(file, busyTimeoutMs);
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

/** Returns whether a database is checked within a few milliseconds. */
export async function isSmall(file: string): Promise<boolean> {
  return (await stat(file)).size <= MAX_SMALL_BYTES;
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

/** Result of a check: what was found, or the error that SQLite reported. */
type CheckResult = { readonly found?: string | undefined } | { readonly error: { message: string; errcode: number } };

async function check(file: string, busyTimeoutMs: number): Promise<number | string | undefined> {
  const data = { path: longPath(file), busyTimeoutMs };
  const result = (await isSmall(file)) ? checkStructure(sqlite, data) : await checkInThread(data);
  if (!('error' in result)) return result.found;
  const error = Object.assign(new Error(result.error.message), result.error);
  if (isDamage(error)) return sqliteCode(error);
  throw error;
}

/** Checks in a thread: the check of a large database takes seconds, in which other requests must be answered. */
async function checkInThread(data: Parameters<typeof checkStructure>[1]): Promise<CheckResult> {
  const source = `const { parentPort, workerData } = require('node:worker_threads');
    parentPort.postMessage((${checkStructure})(require('node:sqlite'), workerData));`;
  const worker = new Worker(source, { eval: true, name: 'tabagent-check', workerData: data, execArgv: [] });
  // A check must not keep a process alive that has nothing else to do.
  worker.unref();
  const { promise, resolve, reject } = Promise.withResolvers<CheckResult>();
  worker.once('message', resolve);
  worker.once('error', reject);
  worker.once('exit', () => reject(new Error('The thread that checks the database exited')));
  return promise;
}

/** Runs in this thread or, as source text, in another one, so it must not refer to anything outside. */
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
