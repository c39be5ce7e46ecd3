import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Offsets in a Windows program (Microsoft's PE format): of the pointer to the PE header, and of the optional header in
 * that.
 */
const HEADER_POINTER = 0x3c;
const OPTIONAL_HEADER = 24;
/** The magic number of the optional header in a 64-bit program. */
const PE32_PLUS = 0x20b;
/**
 * Offsets in the optional header of a 64-bit program: of the checksum, and of the fifth data directory, the certificate
 * table.
 */
const CHECKSUM = 64;
const CERTIFICATES = 112 + 4 * 8;

/**
 * Removes the Authenticode signature from a Windows program that is about to be changed. An invalid signature is worse
 * than none: Windows reports that such a program was tampered with.
 *
 * @throws Error if the file is not a 64-bit Windows program, or has data behind its signature.
 */
export function removeSignature(file: string): void {
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
  if (start + length !== program.length) throw new Error(`Expected no data behind the signature of ${file}`);
  program.fill(0, optional + CERTIFICATES, optional + CERTIFICATES + 8);
  // Zero means no checksum. Windows checks it only for drivers.
  program.writeUInt32LE(0, optional + CHECKSUM);
  writeFileSync(file, program.subarray(0, start));
}
