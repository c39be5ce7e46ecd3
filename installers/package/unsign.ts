import { readFileSync, writeFileSync } from 'node:fs';

/** Offsets in a Windows program (Microsoft's PE format): of the pointer to its header, and within that. */
const HEADER_POINTER = 0x3c;
const OPTIONAL_HEADER = 24;
/** What the optional header of a 64-bit program begins with. */
const PE32_PLUS = 0x20b;
/** In a 64-bit program's optional header: the checksum, and the fifth data directory, which is the certificates'. */
const CHECKSUM = 64;
const CERTIFICATES = 112 + 4 * 8;

/**
 * Takes the signature of Node's makers off a Windows program that is about to be changed. A signature that does not
 * fit is worse than none: Windows calls such a program tampered with.
 *
 * @throws Error for a file that is no 64-bit Windows program, or has something behind its signature.
 */
export function unsign(file: string): void {
  const program = readFileSync(file);
  const header = program.readUInt32LE(HEADER_POINTER);
  const optional = header + OPTIONAL_HEADER;
  if (program.toString('latin1', header, header + 4) !== 'PE\0\0' || program.readUInt16LE(optional) !== PE32_PLUS) {
    throw new Error(`Expected ${file} to be a 64-bit Windows program`);
  }
  const [start, length] = [
    program.readUInt32LE(optional + CERTIFICATES),
    program.readUInt32LE(optional + CERTIFICATES + 4),
  ];
  if (length === 0) return;
  if (start + length !== program.length) throw new Error(`Expected nothing behind the signature of ${file}`);
  program.fill(0, optional + CERTIFICATES, optional + CERTIFICATES + 8);
  // Windows checks it for drivers only; zero says that there is none.
  program.writeUInt32LE(0, optional + CHECKSUM);
  writeFileSync(file, program.subarray(0, start));
}
