import { sum } from '../../host/common/sum.ts';
import type { Entry } from './entry.ts';

/** Bytes of a block of a tar archive. */
const BLOCK = 512;

/** Most bytes of the two fields that a name is split over (POSIX.1-1988, ustar). */
const NAME = 100;
const PREFIX = 155;

/**
 * A tar archive that depends on nothing but its entries: no user, no clock, no order of a folder.
 *
 * @param options.time Seconds since 1970 that every entry is dated with.
 * @throws Error for a name that ustar cannot hold.
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
  const [prefix, name] = split(path);
  block.write(name, 0);
  block.write(octal(mode, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(time, 12), 136);
  // The checksum is taken over the header with spaces in the checksum's place.
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

/** A long name goes into two fields, parted at a slash. */
function split(path: string): readonly [prefix: string, name: string] {
  if (Buffer.byteLength(path) <= NAME) return ['', path];
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (name !== '' && Buffer.byteLength(name) <= NAME && Buffer.byteLength(prefix) <= PREFIX) return [prefix, name];
  }
  throw new Error(`Expected a name that a tar archive can hold, got "${path}"`);
}
