import { DEFAULT_REVISION } from '../protocol/model-name.ts';
import type { ModelSource } from '../protocol/model-sources.ts';
import type { BoundedFolder } from './bounded-folder.ts';
import { completeModels, groupByFolder } from './complete-models.ts';
import { externalName, hubName } from './external-id.ts';
import type { ExternalFile, Reader } from './external-model.ts';

/** Name of a blob in large-file storage. Blobs stored in Git have a name of 40 digits, which is not a SHA-256. */
const SHA256 = /^[0-9a-f]{64}$/;

/**
 * Reads the cache of huggingface_hub and of current llama.cpp: `models--<owner>--<name>/` with `refs/<revision>` (a
 * commit), `snapshots/<commit>/<file>` and `blobs/<checksum>`. A file in a snapshot is a link to its blob. On Windows
 * systems without the right to create links, it is the file itself, and its checksum is unknown.
 */
export async function* readHubCache(folder: BoundedFolder, source: ModelSource): Reader {
  for (const repoFolder of (await folder.names()).folders) {
    if (!repoFolder.startsWith('models--')) continue;
    const repoId = repoFolder.slice('models--'.length).replaceAll('--', '/');
    const refs = await revisions(folder, repoFolder);
    const commits = (await folder.names(repoFolder, 'snapshots')).folders;
    // Commits that a branch points to come before older ones.
    commits.sort((a, b) => rank(refs.get(a)) - rank(refs.get(b)));
    const seen = new Set<string>();
    for (const commit of commits) {
      const revision = refs.get(commit) ?? commit;
      const snapshot = [repoFolder, 'snapshots', commit];
      const paths = await Array.fromAsync(folder.filesBelow(...snapshot));
      for (const { folder: parts, names } of groupByFolder(paths)) {
        for (const model of completeModels(folder, parts, names)) {
          const files = await snapshotFiles(folder, parts, model);
          if (files === undefined) continue;
          const path = [...parts.slice(snapshot.length), model[0]].join('/');
          // The same blob under the same path in another snapshot is the same model.
          const key = `${path}\0${files.map(({ inode }) => inode).join()}`;
          if (seen.has(key)) continue;
          seen.add(key);
          const at = revision === DEFAULT_REVISION ? repoId : `${repoId}@${revision.replaceAll('/', '%2F')}`;
          yield {
            source,
            name: externalName(source, [...at.split('/'), ...path.split('/')]),
            claimed: hubName(repoId, path, revision),
            title: `${at}/${path}`,
            files,
          };
        }
      }
    }
  }
}

/** Returns the revision that points to each commit; `main` if several do. */
async function revisions(folder: BoundedFolder, repoFolder: string): Promise<Map<string, string>> {
  const known = new Map<string, string>();
  for await (const [, , ...revision] of folder.filesBelow(repoFolder, 'refs')) {
    const name = revision.join('/');
    const commit = (await folder.text(repoFolder, 'refs', ...revision))?.trim();
    if (commit !== undefined && (name === DEFAULT_REVISION || !known.has(commit))) known.set(commit, name);
  }
  return known;
}

function rank(revision: string | undefined): number {
  if (revision === DEFAULT_REVISION) return 0;
  return revision === undefined ? 2 : 1;
}

async function snapshotFiles(
  folder: BoundedFolder,
  parts: readonly string[],
  names: readonly string[],
): Promise<ExternalFile[] | undefined> {
  const files: ExternalFile[] = [];
  for (const name of names) {
    const found = await folder.fileAndTarget(...parts, name);
    if (found === undefined) return undefined;
    const { file, target } = found;
    files.push({ ...file, sha256: SHA256.test(target) ? target : undefined });
  }
  return files;
}
