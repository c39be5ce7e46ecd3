import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { requireProgram } from '../../host/common/find-program.ts';
import { sum } from '../../host/common/sum.ts';
import { planRegistration } from '../../host/registration/plan.ts';
import { browsersOn } from '../../manifests/browsers.ts';
import { CHROMIUM_EXTENSION_IDS, FIREFOX_ADDON_ID } from '../../manifests/extension-identity.ts';
import { addOnControlText, changelogText, controlText, copyrightText, OVERRIDES, PACKAGE } from './control.ts';

/** Options for {@link makeDeb}. */
export interface DebOptions {
  /** The packaged host, for Linux. */
  readonly hostFolder: string;
  readonly version: string;
  readonly cpu: 'x64' | 'arm64';
  /** The package to write. */
  readonly file: string;
  /** Folder for temporary files. */
  readonly work: string;
  /** The modification time of every file, in seconds since 1970. */
  readonly time: number;
}

/** The host's folder in the package. */
const LIB = `usr/lib/${PACKAGE}`;

/** Files of the host's folder that Debian installs elsewhere, or does not need. */
const NOT_IN_LIB = new Set([
  'LICENSE',
  'LICENSES.txt',
  'sbom.cdx.json',
  'FILES.txt',
  'PACKAGE.txt',
  'install.sh',
  'share',
]);

/** Completion scripts, and where Debian's shells look for them. */
const SHARED = [
  ['completions/tabagent.bash', 'usr/share/bash-completion/completions/tabagent'],
  ['completions/tabagent.zsh', 'usr/share/zsh/vendor-completions/_tabagent'],
  ['completions/tabagent.fish', 'usr/share/fish/vendor_completions.d/tabagent.fish'],
] as const;

/**
 * Makes a Debian package, without root and with no build tool but `dpkg-deb`. The package contains the browsers'
 * manifests, so it registers the host for all users without maintainer scripts.
 */
export function makeDeb({ hostFolder, version, cpu, file, work, time }: DebOptions): void {
  const root = join(work, 'deb');
  rmSync(root, { recursive: true, force: true });
  cpSync(hostFolder, join(root, LIB), {
    recursive: true,
    filter: (path) => dirname(path) !== hostFolder || !NOT_IN_LIB.has(path.slice(hostFolder.length + 1)),
  });
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  symlinkSync(`../lib/${PACKAGE}/tabagent-host`, join(root, 'usr/bin/tabagent'));
  const manifests = writeManifests(root);
  for (const [from, to] of SHARED) write(root, to, readFileSync(join(hostFolder, 'share', from)));
  const manual = readFileSync(join(hostFolder, 'share/tabagent.1'));
  write(root, 'usr/share/man/man1/tabagent.1.gz', gzipSync(manual, { level: 9 }));
  write(root, `usr/share/lintian/overrides/${PACKAGE}`, OVERRIDES);
  const doc = `usr/share/doc/${PACKAGE}`;
  write(root, `${doc}/changelog.gz`, gzipSync(changelogText(version, time), { level: 9 }));
  write(root, `${doc}/copyright`, copyrightText(readFileSync(join(hostFolder, 'LICENSE'), 'utf8')));
  write(root, `${doc}/sbom.cdx.json.gz`, gzipSync(readFileSync(join(hostFolder, 'sbom.cdx.json')), { level: 9 }));
  write(root, `${doc}/LICENSES.txt.gz`, gzipSync(readFileSync(join(hostFolder, 'LICENSES.txt')), { level: 9 }));

  // dpkg asks before it overwrites a conffile that the user changed, and keeps it until the package is purged.
  const conffiles = manifests.filter((path) => path.startsWith('/etc/'));
  write(root, 'DEBIAN/conffiles', conffiles.map((path) => `${path}\n`).join(''));
  build({ root, file, time, control: (kibibytes) => controlText({ version, cpu, kibibytes }) });
}

/** Builds the package from its files. */
function build(options: { root: string; file: string; time: number; control: (kibibytes: number) => string }): void {
  const { root, file, time, control } = options;
  const files = filesBelow(root);
  const kibibytes = sum(files.map((path) => Math.ceil(lstatSync(join(root, path)).size / 1024)));
  const sums = files.filter((path) => lstatSync(join(root, path)).isFile());
  write(root, 'DEBIAN/md5sums', sums.map((path) => `${md5(join(root, path))}  ${path}\n`).join(''));
  write(root, 'DEBIAN/control', control(kibibytes));
  setModes(root, time);
  execFileSync(requireProgram('dpkg-deb'), ['--root-owner-group', '-Zxz', '--build', root, file], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, SOURCE_DATE_EPOCH: String(time) },
  });
  rmSync(root, { recursive: true });
}

/** Makes the Debian package of an add-on, which requires the host's package of the same version. */
export function makeAddOnDeb(options: Omit<DebOptions, 'hostFolder'> & { addOn: string; addOnFolder: string }): void {
  const { addOn, addOnFolder, version, cpu, file, work, time } = options;
  const root = join(work, 'deb-add-on');
  rmSync(root, { recursive: true, force: true });
  cpSync(join(addOnFolder, 'lib'), join(root, LIB, 'lib'), { recursive: true });
  const name = `${PACKAGE}-${addOn}`;
  const doc = `usr/share/doc/${name}`;
  write(root, `${doc}/changelog.gz`, gzipSync(changelogText(version, time, name), { level: 9 }));
  const licences = readdirSync(addOnFolder).filter((entry) => entry.startsWith('LICENSES-'));
  write(root, `${doc}/copyright`, licences.map((entry) => readFileSync(join(addOnFolder, entry), 'utf8')).join('\n'));
  build({ root, file, time, control: (kibibytes) => addOnControlText({ addOn, version, cpu, kibibytes }) });
}

/** Writes the manifests of all browsers for all users. Returns their absolute paths on the target machine. */
function writeManifests(root: string): string[] {
  const { targets } = planRegistration({
    system: 'linux',
    home: '/nonexistent',
    env: {},
    root: '/',
    exists: () => false,
    browsers: browsersOn('linux'),
    allowed: { chromium: CHROMIUM_EXTENSION_IDS, firefox: [FIREFOX_ADDON_ID] },
    hostPath: `/${LIB}/tabagent-host`,
    systemWide: true,
    programFolder: `/${LIB}`,
  });
  return targets.flatMap((target) => {
    if (target.kind !== 'file') return [];
    write(root, target.path.slice(1), target.contents);
    return [target.path];
  });
}

function write(root: string, path: string, contents: string | Buffer): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, contents);
}

/** Returns the paths of all files and links in a folder, except those in `DEBIAN`, sorted. */
function filesBelow(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => !path.startsWith('DEBIAN') && !lstatSync(join(root, path)).isDirectory())
    .sort();
}

/** Sets modes and modification times that depend neither on the user nor on the time of the build. */
function setModes(root: string, time: number): void {
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).map((path) => join(root, path));
  for (const path of [...paths, root]) {
    const entry = lstatSync(path);
    if (!entry.isSymbolicLink()) {
      chmodSync(path, entry.isDirectory() || path === join(root, LIB, 'tabagent-host') ? 0o755 : 0o644);
    }
    lutimesSync(path, time, time);
  }
}

function md5(file: string): string {
  return createHash('md5').update(readFileSync(file)).digest('hex');
}
