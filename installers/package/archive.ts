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

/**
 * The modification time of all files in an archive or installer, in seconds since 1970: 2000-01-01, an arbitrary fixed
 * date.
 */
export const ARCHIVE_TIME = 946_684_800;

/**
 * Options for xz. With a fixed number of threads and block size, the output is the same on any number of cores. A
 * dictionary of 64 MiB (which unpacking needs as memory), and the filter for machine code on x86, make archives 6 %
 * smaller than the defaults do.
 */
const XZ = ['--threads=2', '--block-size=80MiB', '--format=xz', '--check=crc64'];
const XZ_X86 = ['--x86'];
const XZ_LZMA = ['--lzma2=preset=6,dict=64MiB'];

/**
 * Archives a folder under its own name. The archive is reproducible: the same files result in the same bytes.
 *
 * @throws Error if `xz` is required and not installed.
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
    throw new Error('xz is not installed. On Debian, run: apt-get install xz-utils');
  }
  const xz = spawn(program, [...XZ, ...filter, ...XZ_LZMA], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(xz, 'spawn');
  const exited = once(xz, 'close');
  const output = createWriteStream(file);
  xz.stdout.pipe(output);
  await pipeline(Readable.from(blocks), xz.stdin);
  const [code] = await exited;
  await finished(output);
  if (code !== 0) throw new Error(`xz failed with exit code ${code}.`);
}
