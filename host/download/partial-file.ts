import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { cacheError } from '../cache/cache-errors.ts';
import { syncFolder } from '../common/atomic-write.ts';
import { HostError, isSystemError } from '../common/errors.ts';
import { removeFile, renameFile } from '../common/files-in-use.ts';

/** Never through a link that somebody put in the file's place; Windows knows no such flag. */
const OPEN_FLAGS = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);

/** Bytes written between two syncs of a file on its way: so there is never much left to sync at its end. */
const SYNC_BYTES = 64 * 1024 * 1024;

/** A file on its way: as long as it will be, sparse where bytes are missing. Its faults are `HostError`s. */
export class PartialFile {
  readonly path: string;
  readonly #handle: FileHandle;
  #lastWrite: Promise<void> = Promise.resolve();
  #notSynced = 0;
  #sync: Promise<void> | undefined;
  /** Why bytes did not get to the disk. The system says so once: what is asked to sync later is not told again. */
  #syncFault: unknown;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /** Opens the file, making it where there is none. One of another length is cut or extended to `size`. */
  static async open(path: string, size: number): Promise<PartialFile> {
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const handle = await open(path, OPEN_FLAGS, 0o600);
      await handle.truncate(size).catch(async (error: unknown) => {
        await handle.close();
        throw error;
      });
      return new PartialFile(path, handle);
    } catch (error) {
      throw cacheError(error, path);
    }
  }

  /** The number by which this process knows the open file. */
  get descriptor(): number {
    return this.#handle.fd;
  }

  /**
   * Writes all of `bytes`, from `offset` on. Of several writes one is done after the other: the system does not let two
   * of them into a file either, and whoever waits there keeps a core busy.
   */
  writeAll(bytes: Uint8Array, offset: number): Promise<void> {
    const written = this.#lastWrite.then(() => this.#write(bytes, offset));
    this.#lastWrite = written.catch(() => {});
    return written;
  }

  async #write(bytes: Uint8Array, offset: number): Promise<void> {
    try {
      if (this.#syncFault !== undefined) throw this.#syncFault;
      // A disk may take fewer than it was given.
      for (let done = 0; done < bytes.length; )
        done += (await this.#handle.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
      this.#notSynced += bytes.length;
      if (this.#notSynced >= SYNC_BYTES && this.#sync === undefined) this.#beginSync();
    } catch (error) {
      throw cacheError(error, this.path);
    }
  }

  /** Brings what was written to the disk, beside all that goes on. */
  #beginSync(): void {
    this.#notSynced = 0;
    this.#sync = this.#handle
      .datasync()
      .catch((error: unknown) => {
        this.#syncFault = error;
      })
      .finally(() => {
        this.#sync = undefined;
      });
  }

  /** Reads `length` bytes at `offset` into `buffer`; fewer where the file has been cut short by somebody else. */
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

  /** Bytes there are at `path`: fewer than the whole where the file is lost or was cut short. */
  static async lengthAt(path: string): Promise<number> {
    const stats = await statsOf(path);
    return stats?.isFile() ? stats.size : 0;
  }

  /**
   * Gives the file its final name, its bytes being safe on the disk first. Nothing is overwritten: what came to lie
   * there meanwhile is not ours.
   *
   * @returns The file's time of change, Unix milliseconds.
   */
  async publish(finalPath: string): Promise<number> {
    try {
      await this.#sync;
      if (this.#syncFault !== undefined) throw this.#syncFault;
      await this.#handle.sync();
      const { mtimeMs } = await this.#handle.stat();
      await this.#handle.close();
      await mkdir(dirname(finalPath), { recursive: true, mode: 0o700 });
      if ((await statsOf(finalPath)) !== undefined) throw inTheWay(finalPath);
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

  /** Removes the file of a download that is given up. */
  static async discard(path: string): Promise<void> {
    await removeFile(path);
  }
}

/**
 * Says whether a file of `size` bytes lies at `path`, where a verified one belongs.
 *
 * @throws HostError `SIZE_MISMATCH`, `CACHE_ERROR` when something else lies there.
 */
export async function isThere(path: string, size: number): Promise<boolean> {
  const stats = await statsOf(path);
  if (stats === undefined) return false;
  if (!stats.isFile()) throw inTheWay(path);
  if (stats.size === size) return true;
  throw new HostError(
    'SIZE_MISMATCH',
    `${path} is there with ${stats.size} bytes, where the hub announces ${size}. Delete the model, or move the file away, and download again.`,
    { details: { path, expected: size, found: stats.size } },
  );
}

async function statsOf(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw cacheError(error, path);
  }
}

function inTheWay(path: string): HostError {
  return new HostError('CACHE_ERROR', `${path} is in the way of the download. Move it away and download again.`, {
    details: { path },
  });
}
