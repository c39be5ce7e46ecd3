import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Packages the host for this machine into `out/`, once for all tests. */
export default function makePackage() {
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  execFileSync(process.execPath, ['installers/package/main.ts'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}
