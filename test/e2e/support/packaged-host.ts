import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { thisTarget } from '../../../installers/package/target.ts';

/** The repository. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/[\\/]$/, '');

/** Where packages are put. */
export const OUT = join(ROOT, 'out');

/** `tabagent-host-<version>-<target>`, of this machine. */
export const PACKAGE_NAME = `tabagent-host-${JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version}-${thisTarget()}`;

/** The archive people fetch. */
export const ARCHIVE = join(OUT, `${PACKAGE_NAME}.tar.xz`);
