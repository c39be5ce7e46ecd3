import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { requireProgram, withSafePath } from '../../host/common/find-program.ts';

/** A package that could not be had, and why. */
export class MissingPackage extends Error {
  override readonly name = 'MissingPackage';
}

/** Where packages are looked for, and kept. */
export interface PackageSource {
  /** The repository. */
  readonly root: string;
  /** Folder that fetched packages are kept in. */
  readonly cache: string;
}

/**
 * The folder of an npm package in exactly this version: the installed one, one fetched earlier, or fetched now by npm,
 * which checks it against the registry's checksum. npm installs only what fits the machine it runs on, hence not all.
 *
 * @throws MissingPackage where the registry does not have it.
 */
export function obtainPackage(name: string, version: string, { root, cache }: PackageSource): string {
  const installed = [join(root, 'node_modules', name), join(root, 'node_modules', 'node', 'node_modules', name)].find(
    (folder) => versionIn(folder) === version,
  );
  if (installed !== undefined) return installed;

  const kept = join(cache, `${name.replace('/', '+')}-${version}`);
  if (versionIn(kept) === version) return kept;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'fetch-'));
  try {
    fetchPackage(`${name}@${version}`, work);
    rmSync(kept, { recursive: true, force: true });
    renameSync(join(work, 'package'), kept);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return kept;
}

function versionIn(folder: string): string | undefined {
  const file = join(folder, 'package.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : undefined;
}

/** Leaves the package's files in `package/` under the given folder. */
function fetchPackage(spec: string, folder: string): void {
  const packed = npm(['pack', spec, '--json', '--silent', '--pack-destination', folder]);
  if (packed.status !== 0) {
    throw new MissingPackage(`${spec}: ${packed.error?.message ?? reasonOf(packed.stdout)}`);
  }
  const [{ filename }] = JSON.parse(packed.stdout);
  const unpacked = spawnSync(requireProgram('tar'), ['-xzf', filename], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (unpacked.status !== 0) throw new Error(`Expected tar to unpack ${filename}, it ended with ${unpacked.status}`);
}

function npm(args: readonly string[]) {
  const script = process.env.npm_execpath;
  // On Windows npm is a batch file, which only a shell starts.
  const shell = script === undefined && process.platform === 'win32';
  const [program, first] = script ? [process.execPath, [script]] : [shell ? 'npm' : requireProgram('npm'), []];
  return spawnSync(program, [...first, ...args], { encoding: 'utf8', env: withSafePath(process.env), shell });
}

/** npm's own code for what went wrong (`ETARGET`: no such version), without the registry's address. */
function reasonOf(stdout: string): string {
  try {
    const { error } = JSON.parse(stdout);
    return `the registry does not give it (${error.code ?? error.summary})`;
  } catch {
    return 'the registry does not give it';
  }
}
