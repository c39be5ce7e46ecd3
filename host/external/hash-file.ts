import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** Number of bytes read at a time: large enough for the full speed of the disk, small enough to abort quickly. */
const BUFFER_BYTES = 4 * 1024 * 1024;

/**
 * Returns the SHA-256 of a file in hex. Throws errors of the file system, and the signal's reason when aborted.
 *
 * @param options.onProgress Called with the number of bytes read so far.
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
    // The next block is read while the current one is hashed.
    let [current, next] = [Buffer.allocUnsafe(BUFFER_BYTES), Buffer.allocUnsafe(BUFFER_BYTES)];
    let block = await read(current);
    for (let done = 0; block.length > 0; ) {
      options.signal?.throwIfAborted();
      const reading = read(next);
      hash.update(block);
      done += block.length;
      options.onProgress?.(done);
      block = await reading;
      [current, next] = [next, current];
    }
    return hash.digest('hex');
  } finally {
    await handle.close();
  }
}
