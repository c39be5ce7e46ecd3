import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Packages the host for this machine into `out/`, once for all tests. */
export default function makePackage() {
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  const hasDpkg = (process.env.PATH ?? '').split(':').some((folder) => existsSync(`${folder}/dpkg-deb`));
  const args = ['installers/package/main.ts', '--add-on', 'vulkan', ...(hasDpkg ? ['--installers'] : [])];
  execFileSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
}
