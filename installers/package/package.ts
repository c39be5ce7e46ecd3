import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { formatBytes } from '../../host/common/format.ts';
import { makeAddOnDeb, makeDeb } from '../debian/deb.ts';
import { makeNsisInstaller } from '../windows/nsis.ts';
import { ARCHIVE_TIME, archiveFolder } from './archive.ts';
import { writeChecksums } from './checksums.ts';
import { sizeOf } from './entry.ts';
import { makeAddOnFolder, makeHostFolder } from './host-folder.ts';
import { gatherParts, type PartVersions } from './parts.ts';
import { type AddOn, type Target, type TargetName, targetOf } from './target.ts';

/** Options for {@link makePackage}. */
export interface PackageOptions {
  /** The repository. */
  readonly root: string;
  /** The output folder. */
  readonly out: string;
  /** Folder for temporary files. */
  readonly work: string;
  readonly addOns: readonly AddOn[];
  readonly allowMissing: boolean;
  /** Write only the host's folder and skip the archive, which takes most of the time. */
  readonly folderOnly: boolean;
  /** Also make the target's native installer: a `.deb`, or a Windows installer. */
  readonly installers: boolean;
  readonly versions: PartVersions & { readonly host: string };
  /** Called with a line of text for each file that was written or left out. */
  log(line: string): void;
}

/**
 * Packages the host for one target: writes its folder, its archive, the archives of its add-ons, and the checksums.
 *
 * @throws MissingPackage if the registry lacks a component.
 */
export async function makePackage(name: TargetName, options: PackageOptions): Promise<void> {
  const { root, out, work, versions, log } = options;
  const target = targetOf(name);
  const source = { root, cache: join(root, 'out', '.packages') };
  const parts = gatherParts(target, versions, { source, addOns: options.addOns, allowMissing: options.allowMissing });
  for (const missing of parts.missing) log(`Left out ${missing}`);

  const full = `tabagent-host-${versions.host}-${name}`;
  const folder = join(out, parts.llama.length > 0 ? full : `${full}-incomplete`);
  await makeHostFolder({ root, version: versions.host, target, parts, folder, work });
  log(`${basename(folder)}/ ${formatBytes(sizeOf(folder))}`);
  if (options.folderOnly) return;
  await archive(folder, `${folder}.${target.archive}`);

  if (options.installers) {
    const file = makeInstaller({ target, folder, version: versions.host, work });
    if (file !== undefined) log(`${basename(file)} ${formatBytes(statSync(file).size)}`);
  }

  for (const [addOn, binaries] of parts.addOns) {
    // It has the name of the host's folder, so that users can unpack both in the same place.
    const addOnFolder = join(work, addOn, full);
    makeAddOnFolder({ root, target, binaries, folder: addOnFolder });
    await archive(addOnFolder, join(out, `${full}-${addOn}.${target.archive}`));
    if (options.installers && target.system === 'linux') {
      const file = join(out, `tabagent-host-${addOn}_${versions.host}_${target.cpu === 'x64' ? 'amd64' : 'arm64'}.deb`);
      makeAddOnDeb({ addOn, addOnFolder, version: versions.host, cpu: target.cpu, file, work, time: ARCHIVE_TIME });
      log(`${basename(file)} ${formatBytes(statSync(file).size)}`);
    }
  }
  await writeChecksums(out);
  if (target.system === 'darwin' && process.platform !== 'darwin') {
    log(
      'The executable is not signed, which macOS requires: codesign runs only on macOS. install.sh signs the executable there.',
    );
  }

  async function archive(from: string, file: string): Promise<void> {
    await archiveFolder(from, file, target);
    log(`${basename(file)} ${formatBytes(statSync(file).size)}`);
  }
}

/**
 * Makes the native installer of a target, and returns its path; undefined for macOS, which uses `install.sh` or
 * Homebrew.
 */
function makeInstaller(options: { target: Target; folder: string; version: string; work: string }): string | undefined {
  const { target, folder, version, work } = options;
  const common = { hostFolder: folder, version, time: ARCHIVE_TIME };
  if (target.system === 'linux') {
    const file = join(folder, '..', `tabagent-host_${version}_${target.cpu === 'x64' ? 'amd64' : 'arm64'}.deb`);
    makeDeb({ ...common, cpu: target.cpu, file, work });
    return file;
  }
  if (target.system === 'win32') {
    const file = `${folder}-setup.exe`;
    makeNsisInstaller({ ...common, file, bytes: sizeOf(folder) });
    return file;
  }
  return undefined;
}
