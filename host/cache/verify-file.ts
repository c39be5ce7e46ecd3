import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { cacheError } from '../common/cache-errors.ts';
import { chunkChecksum } from '../download/chunks.ts';
import type { RemoteFile } from '../hub/types.ts';

/** What a file on the disk turned out to hold. */
export interface FileSums {
  /** Bytes of it. */
  readonly size: number;
  /** Of the whole, hex, by the algorithm asked for. */
  readonly checksum: string;
  /** The checksum of each chunk of what is there, in order; see `chunkSum`. */
  readonly chunks: readonly string[];
}

/** Never through a link that somebody put in the file's place; Windows knows no such flag. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0);

/**
 * Reads a file once, taking the checksum of the whole and of every chunk. One chunk is read while the one before it is
 * hashed. Throws `CACHE_ERROR` and its like where the file cannot be read, the signal's reason when aborted.
 *
 * @param options.onBytes Hears of every chunk how many bytes it had.
 */
export async function sumsOf(
  path: string,
  options: {
    chunkBytes: number;
    algorithm: RemoteFile['checksum']['algorithm'];
    signal: AbortSignal;
    onBytes: (bytes: number) => void;
  },
): Promise<FileSums> {
  const { chunkBytes, algorithm, signal, onBytes } = options;
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, OPEN_FLAGS);
    const { size } = await handle.stat();
    const whole = wholeHash(algorithm, size);
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
      // A fault of it is thrown with the next round; until then it is nobody's.
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

/** Git's blob id is the SHA-1 of a line with the size and the content. Source: git's "Git Objects" documentation. */
function wholeHash(algorithm: RemoteFile['checksum']['algorithm'], size: number): Hash {
  return algorithm === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`);
}

/** Fills `buffer` from `offset`; less only at the file's end. */
async function readAt(handle: FileHandle, buffer: Buffer, offset: number): Promise<Buffer> {
  let done = 0;
  while (done < buffer.length) {
    const { bytesRead } = await handle.read(buffer, done, buffer.length - done, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}
