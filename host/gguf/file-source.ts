import { open, stat } from 'node:fs/promises';
import type { ByteSource } from './model.ts';

/**
 * Opens a local file as a source of bytes. Throws the error of `fs.stat` or `fs.open`, and an error with the code
 * `EISDIR` if the path is not a regular file: opening a pipe would wait forever for a writer.
 */
export async function openFileSource(path: string): Promise<ByteSource> {
  if (!(await stat(path)).isFile()) {
    throw Object.assign(new Error(`${path} is not a regular file`), { code: 'EISDIR' });
  }
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    return {
      size,
      async read(offset, length, signal) {
        signal?.throwIfAborted();
        const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, offset);
        return buffer.subarray(0, bytesRead);
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}
