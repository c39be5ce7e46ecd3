import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as esbuild from 'esbuild';
import { KEYRING_BINARY, keychainBuildOptions } from '../build/keychain-bundle.ts';
import { runnerBuildOptions } from '../build/runner-bundle.ts';
import { writeShared } from '../build/shared-files.ts';
import { threadBuildOptions } from '../build/thread-bundle.ts';
import { sizeOf } from './entry.ts';
import { makeExecutable } from './executable.ts';
import { writeFileList, writePackageInfo } from './file-list.ts';
import { bundleHost } from './host-bundle.ts';
import {
  type Licence,
  licenceOfPackage,
  licencesOfSources,
  licencesText,
  llamaLicence,
  nodeLicence,
} from './licences.ts';
import type { Parts } from './parts.ts';
import { SBOM, sbomText } from './sbom.ts';
import { strip } from './strip.ts';
import type { Target } from './target.ts';

/** Options for {@link makeHostFolder}. */
export interface HostFolderOptions {
  /** The repository. */
  readonly root: string;
  readonly version: string;
  readonly target: Target;
  readonly parts: Parts;
  /** The folder to write. An existing one is replaced. */
  readonly folder: string;
  /** Folder for temporary files. */
  readonly work: string;
}

/** The entries of a package of binaries that are needed at run time. */
const BINARIES = ['bins', 'dist', 'package.json', 'LICENSE'];

/** The scripts that install the host from its unpacked archive, in `installers/`. */
const INSTALL_FILES = {
  linux: ['unix/install.sh'],
  darwin: ['unix/install.sh'],
  win32: ['windows/install.ps1', 'windows/tabagent.cmd'],
} as const;

/**
 * Writes the packaged host:
 *
 * - `tabagent-host`: Node.js with the start script
 * - `lib/host/`: the rest of the host
 * - `lib/runner/`: the runner
 * - `lib/llama/<platform>/`: llama.cpp's binaries, with those of each add-on in a separate folder next to them
 * - `lib/keychain/`: the program that accesses the system's keychain, with its native binary
 * - `lib/conversations/`: the thread that owns the conversation database
 * - `install.sh`, or on Windows `install.ps1` and the command `tabagent.cmd`
 * - `sbom.cdx.json`: the bill of materials, in CycloneDX format
 * - `FILES.txt`, `PACKAGE.txt`: the list of files and the requirements, for installers
 * - `share/`: the manual page and shell completions of the command `tabagent`
 * - `LICENSE`, `LICENSES.txt`: the licence of the host, and those of its components
 */
export async function makeHostFolder({ root, target, parts, folder, work, version }: HostFolderOptions): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  const lib = join(folder, 'lib');
  mkdirSync(join(lib, 'host'), { recursive: true });
  // Node.js takes the module type from the nearest package.json, which could otherwise be one in a parent folder.
  writeFileSync(join(lib, 'package.json'), '{ "type": "module" }\n');

  const host = await bundleHost(root);
  const main = join(work, 'start.cjs');
  writeFileSync(main, host.start);
  writeFileSync(join(lib, 'host', host.laterName), host.later);
  const runner = await esbuild.build({
    ...runnerBuildOptions(root, { outdir: join(lib, 'runner'), binaries: 'beside' }),
    metafile: true,
    minifyWhitespace: true,
  });
  for (const binaries of parts.llama) copyBinaries(binaries, lib, target);
  await esbuild.build({
    ...keychainBuildOptions(root, { outdir: join(lib, 'keychain'), binary: 'beside' }),
    minifyWhitespace: true,
  });
  await esbuild.build(threadBuildOptions(root, join(lib, 'conversations')));
  if (parts.keyring !== undefined) copyKeyring(parts.keyring, join(lib, 'keychain', KEYRING_BINARY), target);
  await makeExecutable({
    target,
    nodeFile: join(parts.node, target.nodeFile),
    main,
    file: join(folder, target.executable),
    work,
  });

  for (const file of INSTALL_FILES[target.system])
    copyFileSync(join(root, 'installers', file), join(folder, basename(file)));
  writeShared(join(folder, 'share'));
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  const sources = new Set([...host.inputs, ...Object.keys(runner.metafile.inputs)]);
  const licences = [
    ...licencesOfSources([...sources], root),
    nodeLicence(parts.nodeLicence),
    ...parts.llama.map(licenceOfPackage),
    ...(parts.keyring === undefined ? [] : [licenceOfPackage(parts.keyring)]),
    licenceOfPackage(join(root, 'node_modules', '@napi-rs', 'keyring')),
    llamaLicence(releaseOf(root)),
  ];
  writeFileSync(join(folder, 'LICENSES.txt'), licencesText(licences));
  writeFileSync(join(folder, SBOM), sbomText({ version, target, licences }));
  writePackageInfo(folder, { target, version, bytes: sizeOf(folder) });
  writeFileList(folder);
}

/** Writes an add-on: a folder that users unpack over that of the packaged host. */
export function makeAddOnFolder({
  root,
  target,
  binaries,
  folder,
}: {
  root: string;
  target: Target;
  binaries: readonly string[];
  folder: string;
}) {
  rmSync(folder, { recursive: true, force: true });
  const lib = join(folder, 'lib');
  mkdirSync(lib, { recursive: true });
  for (const each of binaries) copyBinaries(each, lib, target);
  const [first] = binaries;
  if (first === undefined) throw new Error('Expected at least one package of binaries for the add-on');
  const licences: Licence[] = [...binaries.map(licenceOfPackage), llamaLicence(releaseOf(root))];
  const { name } = JSON.parse(readFileSync(join(first, 'package.json'), 'utf8'));
  const addOn = name.split('/').at(-1);
  writeFileSync(join(folder, `LICENSES-${addOn}.txt`), licencesText(licences));
  writeFileList(folder, `FILES-${addOn}.txt`);
}

/** Copies the native binary of a package `@napi-rs/keyring-<platform>`. */
function copyKeyring(from: string, to: string, target: Target): void {
  const { main } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  copyFileSync(join(from, main), to);
  if (target.system === 'linux') strip(target, [to]);
}

/** Copies a package `@node-llama-cpp/<platform>` to `lib/llama/<platform>`. */
function copyBinaries(from: string, lib: string, target: Target): void {
  const { name } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  const to = join(lib, 'llama', name.split('/').at(-1));
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from)) {
    if (BINARIES.includes(entry)) cpSync(join(from, entry), join(to, entry), { recursive: true });
  }
  if (target.system !== 'linux') return;
  const files = readdirSync(to, { recursive: true, encoding: 'utf8' }).filter((file) => /\.(so|node)$/.test(file));
  strip(
    target,
    files.map((file) => join(to, file)),
  );
}

/** Returns the release of llama.cpp that the binaries were built from, such as `b7123`. */
function releaseOf(root: string): string {
  const file = join(root, 'node_modules/node-llama-cpp/llama/binariesGithubRelease.json');
  return JSON.parse(readFileSync(file, 'utf8')).release;
}
