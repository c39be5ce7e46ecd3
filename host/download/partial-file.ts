import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../common/atomic-write.ts';
import { cacheError } from '../common/cache-errors.ts';
import { HostError, isSystemError } from '../common/errors.ts';
import { removeFile, renameFile } from '../common/files-in-use.ts';
import { fileTooLarge } from '../common/host-errors.ts';
import { statsOf } from '../model-files/stats.ts';

/** Fails if the path is a link. Windows has no such flag. */
const OPEN_FLAGS = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);

/** Number of bytes written between two background syncs, which leave little to sync at the end. */
const SYNC_BYTES = 64 * 1024 * 1024;

/** A partially downloaded file. It has its final length and is sparse. Its methods throw `HostError`s. */
export class PartialFile {
  readonly path: string;
  readonly #size: number;
  readonly #handle: FileHandle;
  #lastWrite: Promise<void> = Promise.resolve();
  #unsyncedBytes = 0;
  #sync: Promise<void> | undefined;
  /** Error of a sync. The system reports it only once, so it is stored and thrown by later writes. */
  #syncError: unknown;

  private constructor(path: string, size: number, handle: FileHandle) {
    this.path = path;
    this.#size = size;
    this.#handle = handle;
  }

  /** Opens or creates the file. Truncates or extends an existing file to `size`. */
  static async open(path: string, size: number): Promise<PartialFile> {
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const handle = await open(path, OPEN_FLAGS, 0o600);
      await handle.truncate(size).catch(async (error: unknown) => {
        await handle.close();
        throw isSystemError(error, ...NO_LARGE_FILES) ? await refusedSize(path, error) : error;
      });
      return new PartialFile(path, size, handle);
    } catch (error) {
      throw cacheError(error, path);
    }
  }

  /** Throws `CACHE_ERROR` if another program has removed, replaced or truncated the file since it was opened. */
  async assertIntact(): Promise<void> {
    const [open, there] = await Promise.all([this.#handle.stat(), statsOf(this.path)]);
    if (there?.ino === open.ino && there.dev === open.dev && open.size >= this.#size) return;
    throw modifiedError(this.path);
  }

  /** The descriptor of the open file. */
  get descriptor(): number {
    return this.#handle.fd;
  }

  /**
   * Writes all of `bytes` at `offset`. Writes are queued, because the system serializes writes to a file and waits
   * actively.
   */
  writeAll(bytes: Uint8Array, offset: number): Promise<void> {
    const written = this.#lastWrite.then(() => this.#write(bytes, offset));
    this.#lastWrite = written.catch(() => {});
    return written;
  }

  async #write(bytes: Uint8Array, offset: number): Promise<void> {
    try {
      if (this.#syncError !== undefined) throw this.#syncError;
      // `write` may write fewer bytes than requested.
      for (let done = 0; done < bytes.length; )
        done += (await this.#handle.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
      this.#unsyncedBytes += bytes.length;
      if (this.#unsyncedBytes >= SYNC_BYTES && this.#sync === undefined) this.#startSync();
    } catch (error) {
      throw cacheError(error, this.path);
    }
  }

  /** Syncs the file in the background. */
  #startSync(): void {
    this.#unsyncedBytes = 0;
    this.#sync = this.#handle
      .datasync()
      .catch((error: unknown) => {
        this.#syncError = error;
      })
      .finally(() => {
        this.#sync = undefined;
      });
  }

  /** Reads `length` bytes at `offset` into `buffer`; fewer if the file was truncated by another program. */
  async read(buffer: Buffer, offset: number, length: number): Promise<Buffer> {
    try {
      let done = 0;
      while (done < length) {
        const { bytesRead } = await this.#handle.read(buffer, done, length - done, offset + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return buffer.subarray(0, done);
    } catch (error) {
      throw cacheError(error, this.path);
    }
  }

  /** Returns the length of the file at `path`; 0 if it does not exist. */
  static async lengthAt(path: string): Promise<number> {
    const stats = await statsOf(path);
    return stats?.isFile() ? stats.size : 0;
  }

  /**
   * Syncs the file and gives it its final name. Does not overwrite a file that was created under that name in the
   * meantime.
   *
   * @returns The file's modification time, in Unix milliseconds.
   */
  async publish(finalPath: string): Promise<number> {
    try {
      await this.#sync;
      if (this.#syncError !== undefined) throw this.#syncError;
      await this.#handle.sync();
      const { mtimeMs } = await this.#handle.stat();
      await this.#handle.close();
      await mkdir(dirname(finalPath), { recursive: true, mode: 0o700 });
      if ((await statsOf(finalPath)) !== undefined) throw pathOccupied(finalPath);
      await renameFile(this.path, finalPath);
      await syncFolder(dirname(finalPath));
      return mtimeMs;
    } catch (error) {
      throw cacheError(error, finalPath);
    }
  }

  async close(): Promise<void> {
    await this.#sync;
    await this.#handle.close();
  }

  /** Deletes a partial file. */
  static async discard(path: string): Promise<void> {
    await removeFile(path);
  }
}

/**
 * Returns whether the file at `path` exists and has `size` bytes.
 *
 * @throws HostError `SIZE_MISMATCH`; `CACHE_ERROR` if the path is not a regular file.
 */
export async function isComplete(path: string, size: number): Promise<boolean> {
  const stats = await statsOf(path);
  if (stats === undefined) return false;
  if (!stats.isFile()) throw pathOccupied(path);
  if (stats.size === size) return true;
  throw new HostError(
    'SIZE_MISMATCH',
    `${path} already exists with ${stats.size} bytes, but the file on the Hugging Face Hub has ${size}. Delete the model or move the file elsewhere, then download again.`,
    { details: { path, expected: size, found: stats.size } },
  );
}

/** Returns the error for a partial file that another program changed while it was being written. */
export function modifiedError(path: string): HostError {
  return new HostError(
    'CACHE_ERROR',
    `${path} was removed or truncated while it was being written, possibly by another program. Download the model again.`,
    { details: { path } },
  );
}

/** Errors of file systems that do not support large or sparse files. */
const NO_LARGE_FILES = ['EFBIG', 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'] as const;

/** File systems that limit the size of files, by the type in `statfs`. Source: Linux, magic.h. */
const FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x4d44, 'FAT'],
  [0x2011bab0, 'exFAT'],
  [0x65735546, 'FUSE'],
  [0x6969, 'NFS'],
  [0xff534d42, 'SMB'],
  [0xfe534d42, 'SMB'],
]);

async function refusedSize(path: string, cause: unknown): Promise<HostError> {
  const type = await statfs(dirname(path)).then(
    (stats) => FILE_SYSTEMS.get(stats.type),
    () => undefined,
  );
  return fileTooLarge(path, cause, type === undefined ? undefined : `The file system of the disk (${type})`);
}

function pathOccupied(path: string): HostError {
  return new HostError(
    'CACHE_ERROR',
    `${path} already exists and is not a model file. Move it elsewhere, then download again.`,
    {
      details: { path },
    },
  );
}
