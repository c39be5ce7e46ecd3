import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { findProgram } from '../../host/common/find-program.ts';
import { entriesOf } from './entry.ts';
import { tar } from './tar.ts';
import type { Target } from './target.ts';
import { zip } from './zip.ts';

/** The date of all files in an archive or installer, seconds since 1970: 2000-01-01, when nothing happened. */
export const ARCHIVE_TIME = 946_684_800;

/**
 * xz with two threads always: it works in blocks then, and gives the same bytes on any number of cores. 64 MiB of
 * memory for the reader, and on x86 its filter for machine code, bring 6 % against the plain default.
 */
const XZ = ['--threads=2', '--block-size=80MiB', '--format=xz', '--check=crc64'];
const XZ_X86 = ['--x86'];
const XZ_LZMA = ['--lzma2=preset=6,dict=64MiB'];

/**
 * Puts a folder into an archive, under the folder's own name. The same files give the same bytes.
 *
 * @throws Error where there is no `xz` on this machine.
 */
export async function archiveFolder(folder: string, file: string, { archive, cpu }: Target): Promise<void> {
  const partial = `${file}.partial`;
  try {
    const entries = entriesOf(folder);
    if (archive === 'zip') await pipeline(Readable.from(zip(entries)), createWriteStream(partial));
    else await writeTarXz(tar(entries, { time: ARCHIVE_TIME }), partial, cpu === 'x64' ? XZ_X86 : []);
    await rename(partial, file);
  } finally {
    await rm(partial, { force: true });
  }
}

async function writeTarXz(blocks: Iterable<Buffer>, file: string, filter: readonly string[]): Promise<void> {
  const program = findProgram('xz');
  if (program === undefined) {
    throw new Error('Expected the program xz on this machine; on Debian: apt-get install xz-utils');
  }
  const xz = spawn(program, [...XZ, ...filter, ...XZ_LZMA], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(xz, 'spawn');
  const exited = once(xz, 'close');
  const output = createWriteStream(file);
  xz.stdout.pipe(output);
  await pipeline(Readable.from(blocks), xz.stdin);
  const [code] = await exited;
  await finished(output);
  if (code !== 0) throw new Error(`Expected xz to succeed, it ended with ${code}`);
}
