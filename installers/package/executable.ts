import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { requireProgram } from '../../host/common/find-program.ts';
import { removeSignature } from './remove-signature.ts';
import { strip } from './strip.ts';
import type { Target } from './target.ts';

/** Options for {@link makeExecutable}. */
export interface ExecutableOptions {
  readonly target: Target;
  /** The Node.js executable for the target. */
  readonly nodeFile: string;
  /** The script to run, a file in `work`. */
  readonly main: string;
  /** The executable to write. */
  readonly file: string;
  /** Folder for temporary files. */
  readonly work: string;
}

/** Name of the blob in the folder for temporary files. */
const BLOB_FILE = 'sea.blob';

/**
 * Where Node.js looks for the blob in its executable, and the fuse that tells it to look. Both are fixed in its
 * sources.
 */
const BLOB = { name: 'NODE_SEA_BLOB', fuse: 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2', segment: 'NODE_SEA' };

/**
 * Makes one executable of Node.js and a script, as a Node.js single-executable application. The running Node.js
 * generates the blob, so its version must be that of `nodeFile`.
 *
 * The code cache is off because it is not reproducible, and the script is small enough to compile at every start.
 */
export async function makeExecutable({ target, nodeFile, main, file, work }: ExecutableOptions): Promise<void> {
  const config = {
    // Relative, because the blob contains the path, and must not depend on the machine.
    main: basename(main),
    output: BLOB_FILE,
    disableExperimentalSEAWarning: true,
    useCodeCache: false,
    // Ignores NODE_OPTIONS: in a browser's environment, it is meant for other programs.
    execArgvExtension: 'none',
  };
  writeFileSync(join(work, 'sea.json'), JSON.stringify(config));
  run(process.execPath, ['--experimental-sea-config', 'sea.json'], work);

  copyFileSync(nodeFile, file);
  chmodSync(file, 0o755);
  if (target.system === 'linux') strip(target, [file]);
  if (target.system === 'win32') removeSignature(file);
  if (target.system === 'darwin' && process.platform === 'darwin') run('codesign', ['--remove-signature', file]);
  await inject(file, readFileSync(join(work, BLOB_FILE)), target);
  if (target.system === 'darwin' && process.platform === 'darwin') run('codesign', ['--sign', '-', file]);
}

/** The part of postject's API that is used. The package has no types. */
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
  // postject prints a warning for every section of Node.js that it does not know. It does not change these sections.
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
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed: ${error?.message ?? stderr}`);
}
