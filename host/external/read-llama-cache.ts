import type { ModelName } from '../protocol/model-name.ts';
import type { ModelSource } from '../protocol/model-sources.ts';
import type { BoundedFolder } from './bounded-folder.ts';
import { completeModels } from './complete-models.ts';
import { externalName, hubName } from './external-id.ts';
import type { Reader } from './external-model.ts';
import { parseObject } from './folder-setting.ts';
import { findFiles } from './found-files.ts';

/** The origin of a file, according to a manifest. */
interface Origin {
  readonly claimed: ModelName | undefined;
  readonly sha256?: string | undefined;
}

/**
 * Reads the folder in which llama.cpp stored its downloads until March 2026: `<owner>_<repository>_<file>.gguf`, all in
 * one folder. `manifest=<owner>=<repository>=<tag>.json` (with the SHA-256) or, in older versions, `<file>.gguf.json`
 * (with the URL) records the origin of a file.
 */
export async function* readLlamaCache(folder: BoundedFolder, source: ModelSource): Reader {
  const { files: names } = await folder.names();
  const origins = await readManifests(folder, names);
  for (const model of completeModels(folder, [], names)) {
    const files = await findFiles(folder, [], model);
    if (files === undefined) continue;
    const origin = origins.get(model[0]) ?? (await originFromUrl(folder, names, model[0]));
    yield {
      source,
      name: externalName(source, [model[0]]),
      claimed: origin?.claimed,
      title: model[0],
      // A manifest contains the checksum of the first part only.
      files: files.map((file, part) => (part === 0 ? { ...file, sha256: origin?.sha256 } : file)),
    };
  }
}

/** Reads the manifests. Returns the origin of files by their names in the folder. */
async function readManifests(folder: BoundedFolder, names: readonly string[]): Promise<Map<string, Origin>> {
  const origins = new Map<string, Origin>();
  for (const name of names) {
    const [, owner, repo] = /^manifest=([^=]+)=([^=]+)=.*\.json$/.exec(name) ?? [];
    if (owner === undefined || repo === undefined) continue;
    const manifest = parseObject((await folder.text(name)) ?? '');
    for (const field of ['ggufFile', 'mmprojFile']) {
      const entry = manifest?.[field];
      const { rfilename, lfs } = isObject(entry) ? entry : {};
      if (typeof rfilename !== 'string') continue;
      const sha256 = isObject(lfs) ? lfs.sha256 : undefined;
      origins.set(`${owner}_${repo}_${rfilename}`.replaceAll('/', '_'), {
        claimed: hubName(`${owner}/${repo}`, rfilename),
        sha256: typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256) ? sha256 : undefined,
      });
    }
  }
  return origins;
}

/** Returns the origin of a file according to the URL from which it was downloaded. */
async function originFromUrl(
  folder: BoundedFolder,
  names: readonly string[],
  name: string,
): Promise<Origin | undefined> {
  if (!names.includes(`${name}.json`)) return undefined;
  const url = parseObject((await folder.text(`${name}.json`)) ?? '')?.url;
  if (typeof url !== 'string' || !URL.canParse(url)) return undefined;
  const [, repoId, revision, file] = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(new URL(url).pathname) ?? [];
  if (repoId === undefined || file === undefined) return undefined;
  return { claimed: hubName(repoId, file, revision) };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
