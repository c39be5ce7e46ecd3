import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { archiveFolder } from './archive.ts';
import { writeChecksums } from './checksums.ts';
import { entriesOf } from './entry.ts';
import { makeAddOnFolder, makeHostFolder } from './host-folder.ts';
import { gatherParts, type PartVersions } from './parts.ts';
import { type AddOn, type TargetName, targetOf } from './target.ts';

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
  readonly versions: PartVersions & { readonly host: string };
  /** Told what is being done, and what was made. */
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
  await makeHostFolder({ root, target, parts, folder, work });
  say(`${basename(folder)}/ ${megabytes(sizeOf(folder))}`);
  if (options.folderOnly) return;
  await archive(folder, `${folder}.${target.archive}`);

  for (const [addOn, binaries] of parts.addOns) {
    // Unpacked where the host was unpacked, it lands in the host's folder: hence that folder's name.
    const addOnFolder = join(work, addOn, full);
    makeAddOnFolder({ root, target, binaries, folder: addOnFolder });
    await archive(addOnFolder, join(out, `${full}-${addOn}.${target.archive}`));
  }
  await writeChecksums(out);
  if (target.system === 'darwin' && process.platform !== 'darwin') {
    say('macOS starts only what is signed, and codesign runs on a Mac only: install.sh signs the executable there.');
  }

  async function archive(from: string, file: string): Promise<void> {
    await archiveFolder(from, file, target);
    say(`${basename(file)} ${megabytes(statSync(file).size)}`);
  }
}

/** Bytes of all files in a folder. */
export function sizeOf(folder: string): number {
  return entriesOf(folder).reduce(
    (sum, entry) => sum + (entry.folder ? 0 : statSync(join(folder, '..', entry.name)).size),
    0,
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
