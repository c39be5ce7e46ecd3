import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { cacheError } from '../common/cache-errors.ts';
import type { RemoteFile } from '../hub/types.ts';
import { chunkChecksum } from '../model-files/chunks.ts';

/** Size and checksums of a file on the disk. */
export interface FileChecksums {
  /** Bytes. */
  readonly size: number;
  /** Checksum of the whole file with the requested algorithm, hex. */
  readonly checksum: string;
  /** Checksum of each chunk of the existing file, in order; see `chunkChecksum`. */
  readonly chunks: readonly string[];
}

/** Fails if the path is a link. Windows has no such flag. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0);

/**
 * Reads a file once and computes the checksums of the whole file and of every chunk. Reads the next chunk while hashing
 * the current one.
 *
 * @param options.onBytes Called with the size of each chunk after it has been hashed.
 * @throws HostError `CACHE_ERROR` or a more specific error if the file cannot be read; the signal's reason when
 * aborted.
 */
export async function computeChecksums(
  path: string,
  options: {
    chunkBytes: number;
    algorithm: RemoteFile['checksum']['algorithm'];
    signal: AbortSignal;
    onBytes: (bytes: number) => void;
  },
): Promise<FileChecksums> {
  const { chunkBytes, algorithm, signal, onBytes } = options;
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, OPEN_FLAGS);
    const { size } = await handle.stat();
    const whole = createFileHash(algorithm, size);
    const chunks: string[] = [];
    const buffers = [0, 1].map(() => Buffer.allocUnsafe(Math.min(chunkBytes, Math.max(size, 1))));
    const [even, odd] = buffers as [Buffer, Buffer];
    let read = 0;
    let reading = readAt(handle, even, 0);
    for (let chunk = 0; ; chunk += 1) {
      const bytes = await reading;
      signal.throwIfAborted();
      if (bytes.length === 0) break;
      read += bytes.length;
      reading = readAt(handle, chunk % 2 === 0 ? odd : even, read);
      // The `await` in the next iteration throws an error; until then, it must not count as an unhandled rejection.
      reading.catch(() => {});
      whole.update(bytes);
      chunks.push(chunkChecksum(bytes));
      onBytes(bytes.length);
    }
    return { size: read, checksum: whole.digest('hex'), chunks };
  } catch (error) {
    signal.throwIfAborted();
    throw cacheError(error, path);
  } finally {
    await handle?.close();
  }
}

/** Git's blob id is the SHA-1 of a header with the size, and the content. Source: git's "Git Objects" documentation. */
function createFileHash(algorithm: RemoteFile['checksum']['algorithm'], size: number): Hash {
  return algorithm === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`);
}

/** Reads from `offset` until `buffer` is full or the file ends. */
async function readAt(handle: FileHandle, buffer: Buffer, offset: number): Promise<Buffer> {
  let done = 0;
  while (done < buffer.length) {
    const { bytesRead } = await handle.read(buffer, done, buffer.length - done, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}
