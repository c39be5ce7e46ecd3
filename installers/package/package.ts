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

/** What {@link makePackage} needs. */
export interface PackageOptions {
  /** The repository. */
  readonly root: string;
  /** The folder that packages are put in. */
  readonly out: string;
  /** Folder for what is made on the way. */
  readonly work: string;
  readonly addOns: readonly AddOn[];
  readonly allowMissing: boolean;
  /** Leave it at the host's folder: no archive, which takes most of the time. */
  readonly folderOnly: boolean;
  /** Also the native installer of the target: a `.deb`, or a Windows installer. */
  readonly installers: boolean;
  readonly versions: PartVersions & { readonly host: string };
  /** Called with a line for each step, and for each file that was made. */
  say(line: string): void;
}

/**
 * Makes the packaged host for one target: its folder, its archive, the archives of its add-ons, and the checksums.
 *
 * @throws MissingPackage where the registry lacks a part.
 */
export async function makePackage(name: TargetName, options: PackageOptions): Promise<void> {
  const { root, out, work, versions, say } = options;
  const target = targetOf(name);
  const source = { root, cache: join(root, 'out', '.packages') };
  const parts = gatherParts(target, versions, { source, addOns: options.addOns, allowMissing: options.allowMissing });
  for (const missing of parts.missing) say(`Left out ${missing}`);

  const full = `tabagent-host-${versions.host}-${name}`;
  const folder = join(out, parts.llama.length > 0 ? full : `${full}-incomplete`);
  await makeHostFolder({ root, version: versions.host, target, parts, folder, work });
  say(`${basename(folder)}/ ${formatBytes(sizeOf(folder))}`);
  if (options.folderOnly) return;
  await archive(folder, `${folder}.${target.archive}`);

  if (options.installers) {
    const file = makeInstaller({ target, folder, version: versions.host, work });
    if (file !== undefined) say(`${basename(file)} ${formatBytes(statSync(file).size)}`);
  }

  for (const [addOn, binaries] of parts.addOns) {
    // Unpacked where the host was unpacked, it lands in the host's folder: hence that folder's name.
    const addOnFolder = join(work, addOn, full);
    makeAddOnFolder({ root, target, binaries, folder: addOnFolder });
    await archive(addOnFolder, join(out, `${full}-${addOn}.${target.archive}`));
    if (options.installers && target.system === 'linux') {
      const file = join(out, `tabagent-host-${addOn}_${versions.host}_${target.cpu === 'x64' ? 'amd64' : 'arm64'}.deb`);
      makeAddOnDeb({ addOn, addOnFolder, version: versions.host, cpu: target.cpu, file, work, time: ARCHIVE_TIME });
      say(`${basename(file)} ${formatBytes(statSync(file).size)}`);
    }
  }
  await writeChecksums(out);
  if (target.system === 'darwin' && process.platform !== 'darwin') {
    say('macOS starts only what is signed, and codesign runs on a Mac only: install.sh signs the executable there.');
  }

  async function archive(from: string, file: string): Promise<void> {
    await archiveFolder(from, file, target);
    say(`${basename(file)} ${formatBytes(statSync(file).size)}`);
  }
}

/** What a target's own system installs, beside the host's folder; macOS has its script, and Homebrew. */
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
