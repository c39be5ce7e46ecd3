import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { cacheError } from './cache-error.ts';

/** A file on its way: as long as it will be, sparse where bytes are missing. Its faults are `HostError`s. */
export class PartialFile {
  readonly path: string;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /** Opens the file, making it where there is none. One of another length is cut or extended to `size`. */
  static async open(path: string, size: number): Promise<PartialFile> {
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
      await handle.truncate(size).catch(async (error: unknown) => {
        await handle.close();
        throw error;
      });
      return new PartialFile(path, handle);
    } catch (error) {
      throw cacheError(error, path);
    }
  }

  /** Writes all of `bytes` at `offset`. */
  async write(bytes: Uint8Array, offset: number): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, offset + done);
        done += bytesWritten;
      }
    } catch (error) {
      throw cacheError(error, this.path);
    }
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

  /** Gives the file its final name, its bytes being safe on the disk first. The handle is closed either way. */
  async publish(finalPath: string): Promise<void> {
    try {
      await this.#handle.sync();
      await this.#handle.close();
      await mkdir(dirname(finalPath), { recursive: true, mode: 0o700 });
      await rename(this.path, finalPath);
      await syncFolder(dirname(finalPath));
    } catch (error) {
      throw cacheError(error, finalPath);
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  /** Removes the file of a download that is given up. */
  static async discard(path: string): Promise<void> {
    await rm(path, { force: true });
  }
}

/** Makes a new name in a folder outlast a power cut. Windows has no such call and needs none. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
