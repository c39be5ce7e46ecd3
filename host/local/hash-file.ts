import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** Bytes read at a time: large enough that the disk is the limit, small enough to hear an abort at once. */
const PIECE_BYTES = 4 * 1024 * 1024;

/**
 * Hex SHA-256 of a file. Rejects as the file system does, or with the signal's reason.
 *
 * @param options.onProgress Hears how many bytes have been read.
 */
export async function hashFile(
  path: string,
  options: { signal?: AbortSignal | undefined; onProgress?: (bytes: number) => void } = {},
): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(PIECE_BYTES);
    for (let read = 0; ; ) {
      options.signal?.throwIfAborted();
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
      read += bytesRead;
      options.onProgress?.(read);
    }
  } finally {
    await handle.close();
  }
}
