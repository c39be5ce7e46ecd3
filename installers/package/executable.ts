import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { requireProgram } from '../../host/common/find-program.ts';
import { strip } from './strip.ts';
import type { Target } from './target.ts';
import { unsign } from './unsign.ts';

/** What {@link makeExecutable} needs. */
export interface ExecutableOptions {
  readonly target: Target;
  /** Node for the target. */
  readonly nodeFile: string;
  /** The script it is to run, a file in `work`. */
  readonly main: string;
  /** Where the executable goes. */
  readonly file: string;
  /** Folder for what is made on the way. */
  readonly work: string;
}

/** Name of the blob, in the folder for what is made on the way. */
const BLOB_FILE = 'sea.blob';

/** Where Node looks for a blob in its own file, and how it knows that there is one: names fixed in Node's sources. */
const BLOB = { name: 'NODE_SEA_BLOB', fuse: 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2', segment: 'NODE_SEA' };

/**
 * Makes one executable of Node and a script: Node's single-executable feature. The running Node makes the blob, and
 * must be of the version of `nodeFile`.
 *
 * Without a code cache, which differs from build to build; the script is small enough to do without.
 */
export async function makeExecutable({ target, nodeFile, main, file, work }: ExecutableOptions): Promise<void> {
  const config = {
    // Relative: the path goes into the blob, and would tell of the machine it was made on.
    main: basename(main),
    output: BLOB_FILE,
    disableExperimentalSEAWarning: true,
    useCodeCache: false,
    // NODE_OPTIONS in a browser's environment is meant for other programs.
    execArgvExtension: 'none',
  };
  writeFileSync(join(work, 'sea.json'), JSON.stringify(config));
  run(process.execPath, ['--experimental-sea-config', 'sea.json'], work);

  copyFileSync(nodeFile, file);
  chmodSync(file, 0o755);
  if (target.system === 'linux') strip(target, [file]);
  if (target.system === 'win32') unsign(file);
  if (target.system === 'darwin' && process.platform === 'darwin') run('codesign', ['--remove-signature', file]);
  await inject(file, readFileSync(join(work, BLOB_FILE)), target);
  if (target.system === 'darwin' && process.platform === 'darwin') run('codesign', ['--sign', '-', file]);
}

/** The part of postject that is used; it comes without types. */
interface Postject {
  inject(
    file: string,
    resource: string,
    data: Buffer,
    options: { sentinelFuse: string; machoSegmentName?: string },
  ): Promise<void>;
}

async function inject(file: string, data: Buffer, { system }: Target): Promise<void> {
  const postject: Postject = createRequire(import.meta.url)('postject');
  // It prints a warning for every section of Node that it does not know, none of which is touched.
  const { log, warn, error } = console;
  Object.assign(console, { log: () => undefined, warn: () => undefined, error: () => undefined });
  try {
    await postject.inject(file, BLOB.name, data, {
      sentinelFuse: BLOB.fuse,
      ...(system === 'darwin' ? { machoSegmentName: BLOB.segment } : {}),
    });
  } finally {
    Object.assign(console, { log, warn, error });
  }
}

function run(program: string, args: readonly string[], cwd?: string): void {
  const { status, error, stderr } = spawnSync(requireProgram(program), args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`Expected ${program} ${args.join(' ')} to succeed: ${error?.message ?? stderr}`);
}
