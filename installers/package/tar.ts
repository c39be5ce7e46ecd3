import { sum } from '../../host/common/sum.ts';
import type { Entry } from './entry.ts';

/** Size of a block in a tar archive, in bytes. */
const BLOCK = 512;

/** Maximum sizes of the two header fields that hold a path, in bytes (POSIX.1-1988, ustar). */
const MAX_NAME_BYTES = 100;
const MAX_PREFIX_BYTES = 155;

/**
 * Yields a tar archive. It is reproducible: it depends only on the entries, not on the user, the clock or the order of
 * files in a folder.
 *
 * @param options.time The modification time of every entry, in seconds since 1970.
 * @throws Error if a path is too long for ustar.
 */
export function* tar(entries: Iterable<Entry>, { time }: { time: number }): Generator<Buffer> {
  for (const { name, executable, folder, read } of entries) {
    const contents = folder ? Buffer.alloc(0) : read();
    const mode = folder || executable ? 0o755 : 0o644;
    yield header(folder ? `${name}/` : name, { mode, size: contents.length, time, type: folder ? '5' : '0' });
    yield contents;
    yield Buffer.alloc((BLOCK - (contents.length % BLOCK)) % BLOCK);
  }
  yield Buffer.alloc(2 * BLOCK);
}

function header(path: string, { mode, size, time, type }: { mode: number; size: number; time: number; type: string }) {
  const block = Buffer.alloc(BLOCK);
  const [prefix, name] = splitPath(path);
  block.write(name, 0);
  block.write(octal(mode, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(time, 12), 136);
  // The checksum is computed with its own field filled with spaces.
  block.write(' '.repeat(8), 148);
  block.write(type, 156);
  block.write('ustar\0', 257);
  block.write('00', 263);
  block.write('root', 265);
  block.write('root', 297);
  block.write(prefix, 345);
  block.write(`${sum(block).toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, '0')}\0`;
}

/** Splits a path at a slash into the two header fields. A short path needs only the second. */
function splitPath(path: string): readonly [prefix: string, name: string] {
  if (Buffer.byteLength(path) <= MAX_NAME_BYTES) return ['', path];
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (name !== '' && Buffer.byteLength(name) <= MAX_NAME_BYTES && Buffer.byteLength(prefix) <= MAX_PREFIX_BYTES)
      return [prefix, name];
  }
  throw new Error(`The path "${path}" is too long for a tar archive.`);
}
