import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { atomicWrite } from '../common/atomic-write.ts';
import { HostError, isSystemError } from '../common/errors.ts';
import { unnamedStorageError } from '../common/storage-error.ts';
import { withFileLock } from '../common/with-file-lock.ts';
import type { HostPaths } from '../config.ts';

/** Random bytes of a key. */
const KEY_BYTES = 32;

const KEY = /^tabagent-[A-Za-z0-9_-]{43}$/;

/** Largest file with a key, bytes: that of a key and a line break. */
const MAX_FILE_BYTES = 256;

/** Permission bits of all but the owner. */
const OTHERS = 0o077;

/** Where the key is, and the lock that hosts take to change it. */
type KeyPaths = Pick<HostPaths, 'serveKey' | 'locks'>;

/**
 * Returns the key of the server, which is made where there is none yet.
 *
 * @throws HostError `CONFIG_UNUSABLE` if the file is not one that this host wrote, or others can read it.
 */
export async function openApiKey(paths: KeyPaths): Promise<string> {
  const { serveKey: file } = paths;
  return (await readApiKey(file)) ?? changing(paths, async () => (await readApiKey(file)) ?? writeNewKey(file));
}

/** Replaces the key of the server, and returns the new one. Running servers keep the old one. */
export async function replaceApiKey(paths: KeyPaths): Promise<string> {
  return changing(paths, () => writeNewKey(paths.serveKey));
}

async function changing<T>({ serveKey, locks }: KeyPaths, change: () => Promise<T>): Promise<T> {
  return withFileLock(join(locks, `${basename(serveKey)}.lock`), change);
}

async function writeNewKey(file: string): Promise<string> {
  const key = `tabagent-${randomBytes(KEY_BYTES).toString('base64url')}`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await atomicWrite(file, `${key}\n`);
  } catch (error) {
    throw unnamedStorageError(error) ?? error;
  }
  return key;
}

/** Returns the key in a file; undefined if there is none. The errors never contain the key. */
async function readApiKey(file: string): Promise<string | undefined> {
  try {
    const stats = await lstat(file);
    if (!stats.isFile() || stats.size > MAX_FILE_BYTES) throw unusable(file, 'it was not written by TabAgent');
    if (process.getuid !== undefined && stats.uid !== process.getuid()) throw unusable(file, 'it is not yours');
    if (process.platform !== 'win32' && (stats.mode & OTHERS) !== 0) throw unusable(file, 'other users can read it');
    const key = (await readFile(file, 'utf8')).trim();
    if (!KEY.test(key)) throw unusable(file, 'it was not written by TabAgent');
    return key;
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

function unusable(file: string, why: string): HostError {
  return new HostError(
    'CONFIG_UNUSABLE',
    `The key of the server in ${file} cannot be used because ${why}. Make a new one: tabagent serve --new-key`,
    { details: { file } },
  );
}
