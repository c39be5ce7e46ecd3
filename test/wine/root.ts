import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { requireProgram } from '../../host/common/find-program.ts';

/** Incremented when existing roots become unusable. */
const ROOT_VERSION = 1;
/** The first Debian release with Wine 10, which is the first Wine that runs Node.js 24. */
const RELEASE = 'trixie';
/** Time limit for one command. With a slow mirror, creating the root takes a few minutes. */
const STEP_LIMIT_MS = 20 * 60_000;

/** Returns the cache folder for the root, which is outside the repository. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tabagent-wine');
}

/**
 * Returns the path of a Debian root with Wine, and creates it if it does not exist. It takes 2.5 GB.
 *
 * @throws Error if it cannot be created on this computer.
 */
export function wineRoot(cache: string, log: (line: string) => void): string {
  const root = join(cache, `root-${ROOT_VERSION}`);
  if (existsSync(root)) return root;
  log(`Creating a Debian root with Wine in ${root} (once; takes a few minutes and 2.5 GB)`);
  const partial = `${root}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  run('debootstrap', ['--variant=minbase', RELEASE, partial, mirror()]);
  // Skips fsync for each file: the root can be recreated.
  writeFileSync(join(partial, 'etc', 'dpkg', 'dpkg.cfg.d', 'unsafe-io'), 'force-unsafe-io\n');
  // Without this file, Windows programs cannot resolve "localhost".
  writeFileSync(join(partial, 'etc', 'hosts'), '127.0.0.1 localhost\n');
  const inside = (...args: string[]) => run('chroot', [partial, ...args]);
  inside('dpkg', '--add-architecture', 'i386');
  inside('apt-get', '-qq', 'update');
  // NSIS installers are 32-bit programs.
  inside('apt-get', '-qq', '-y', '--no-install-recommends', 'install', 'wine', 'wine64', 'wine32:i386');
  inside('apt-get', 'clean');
  renameSync(partial, root);
  return root;
}

/** Returns the Debian mirror that this computer uses. */
function mirror(): string {
  const { stdout } = spawnSync(requireProgram('apt-get'), ['indextargets', '--format', '$(REPO_URI)'], {
    encoding: 'utf8',
  });
  const found = stdout.split('\n').find((uri) => /\/debian\/?$/.test(uri));
  if (found === undefined) throw new Error('The sources of apt-get contain no Debian mirror.');
  return found;
}

function run(name: string, args: readonly string[]): void {
  const { status, error } = spawnSync(requireProgram(name), args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: STEP_LIMIT_MS,
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${name} ${args[0]} failed with exit code ${status}.`);
}
