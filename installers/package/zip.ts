import { crc32, deflateRawSync } from 'node:zlib';
import type { Entry } from './entry.ts';

/** Signatures of a zip file's records (PKWARE's APPNOTE, 4.3). */
const LOCAL_FILE = 0x04034b50;
const CENTRAL_FILE = 0x02014b50;
const END_OF_CENTRAL = 0x06054b50;

/** 2.0: deflate and folders. */
const VERSION_NEEDED = 20;
/** "Made by Unix": unpackers then read permissions from the upper half of the external attributes. */
const MADE_BY = (3 << 8) | VERSION_NEEDED;
/** Names are encoded in UTF-8. */
const FLAGS = 0x0800;
const DEFLATE = 8;
/** 2000-01-01 in the format of MS-DOS: years since 1980, month, day. */
const DATE = (20 << 9) | (1 << 5) | 1;
/** Maximum size of an archive without the ZIP64 extension, which is not supported. */
const MAX_BYTES = 2 ** 32 - 1;

/**
 * Yields a zip archive. It is reproducible: it depends only on the entries, not on the user, the clock or the order of
 * files in a folder.
 *
 * @throws Error if it would be larger than 4 GiB.
 */
export function* zip(entries: Iterable<Entry>): Generator<Buffer> {
  const central: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const { folder, executable } = entry;
    const name = Buffer.from(folder ? `${entry.name}/` : entry.name);
    const contents = folder ? Buffer.alloc(0) : entry.read();
    const packed = folder ? contents : deflateRawSync(contents, { level: 9 });
    const fields = { name, crc: crc32(contents), size: contents.length, packed: packed.length, folder };
    const local = localHeader(fields);
    central.push(centralHeader({ ...fields, mode: folder ? 0o40755 : executable ? 0o100755 : 0o100644, offset }));
    yield local;
    yield packed;
    offset += local.length + packed.length;
    if (offset > MAX_BYTES) throw new Error('Expected a zip archive of less than 4 GiB');
  }
  const directory = Buffer.concat(central);
  yield directory;
  yield endRecord(central.length, directory.length, offset);
}

interface Fields {
  readonly name: Buffer;
  readonly crc: number;
  readonly size: number;
  readonly packed: number;
  readonly folder: boolean;
}

function localHeader(fields: Fields): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(LOCAL_FILE, 0);
  writeFields(header.subarray(4), fields);
  return Buffer.concat([header, fields.name]);
}

function centralHeader(fields: Fields & { mode: number; offset: number }): Buffer {
  const header = Buffer.alloc(46);
  header.writeUInt32LE(CENTRAL_FILE, 0);
  header.writeUInt16LE(MADE_BY, 4);
  writeFields(header.subarray(6), fields);
  // The lower half contains MS-DOS attributes, where 16 means a folder.
  header.writeUInt32LE(fields.mode * 0x10000 + (fields.folder ? 0x10 : 0), 38);
  header.writeUInt32LE(fields.offset, 42);
  return Buffer.concat([header, fields.name]);
}

/** Writes the fields that the two headers of a file have in common, from "version needed" to the length of its name. */
function writeFields(header: Buffer, { name, crc, size, packed, folder }: Fields): void {
  header.writeUInt16LE(VERSION_NEEDED, 0);
  header.writeUInt16LE(FLAGS, 2);
  header.writeUInt16LE(folder ? 0 : DEFLATE, 4);
  header.writeUInt16LE(0, 6);
  header.writeUInt16LE(DATE, 8);
  header.writeUInt32LE(crc, 10);
  header.writeUInt32LE(packed, 14);
  header.writeUInt32LE(size, 18);
  header.writeUInt16LE(name.length, 22);
}

function endRecord(count: number, size: number, offset: number): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(END_OF_CENTRAL, 0);
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return end;
}
