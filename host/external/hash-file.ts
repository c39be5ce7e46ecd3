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
    const read = async (into: Buffer) => {
      const { bytesRead } = await handle.read(into, 0, into.length, null);
      return into.subarray(0, bytesRead);
    };
    // One piece is read while the one before it is hashed.
    let [current, next] = [Buffer.allocUnsafe(PIECE_BYTES), Buffer.allocUnsafe(PIECE_BYTES)];
    let piece = await read(current);
    for (let done = 0; piece.length > 0; ) {
      options.signal?.throwIfAborted();
      const reading = read(next);
      hash.update(piece);
      done += piece.length;
      options.onProgress?.(done);
      piece = await reading;
      [current, next] = [next, current];
    }
    return hash.digest('hex');
  } finally {
    await handle.close();
  }
}
