import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { currentTarget } from '../../../installers/package/target.ts';

/** The repository. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/[\\/]$/, '');

/** The output folder of packages. */
export const OUT = join(ROOT, 'out');

/** The version that was packaged. */
export const VERSION: string = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version;

/** `tabagent-host-<version>-<target>`, of this machine. */
export const PACKAGE_NAME = `tabagent-host-${VERSION}-${currentTarget()}`;

/** The published archive. */
export const ARCHIVE = join(OUT, `${PACKAGE_NAME}.tar.xz`);

/** The Debian package, if `dpkg-deb` is installed. */
export const DEB = join(OUT, `tabagent-host_${VERSION}_${process.arch === 'x64' ? 'amd64' : 'arm64'}.deb`);
