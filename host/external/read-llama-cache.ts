import type { ModelName } from '../protocol/model-name.ts';
import type { ModelSource } from '../protocol/model-sources.ts';
import type { BoundedFolder } from './bounded-folder.ts';
import { claimedName, externalName } from './external-id.ts';
import type { Reader } from './external-model.ts';
import { foundFiles } from './found-files.ts';
import { parseObject } from './named-folder.ts';
import { wholeModels } from './whole-models.ts';

/** What is known of a file beside its name. */
interface Origin {
  readonly claimed: ModelName | undefined;
  readonly sha256?: string | undefined;
}

/**
 * The folder llama.cpp kept its downloads in until March 2026: `<owner>_<repository>_<file>.gguf`, all in one folder.
 * What a name stands for tell `manifest=<owner>=<repository>=<tag>.json` (with the SHA-256) and, of older versions,
 * `<file>.gguf.json` (with the address).
 */
export async function* readLlamaCache(folder: BoundedFolder, source: ModelSource): Reader {
  const { files: names } = await folder.names();
  const origins = await originsOf(folder, names);
  for (const model of wholeModels(names)) {
    const files = await foundFiles(folder, [], model);
    if (files === undefined) continue;
    const origin = origins.get(model[0]) ?? (await originByAddress(folder, names, model[0]));
    yield {
      source,
      name: externalName(source, [model[0]]),
      claimed: origin?.claimed,
      title: model[0],
      // A manifest has the checksum of the first part alone.
      files: files.map((file, part) => (part === 0 ? { ...file, sha256: origin?.sha256 } : file)),
    };
  }
}

/** What the manifests say, by the name a file has in the folder. */
async function originsOf(folder: BoundedFolder, names: readonly string[]): Promise<Map<string, Origin>> {
  const origins = new Map<string, Origin>();
  for (const name of names) {
    const [, owner, repo] = /^manifest=([^=]+)=([^=]+)=.*\.json$/.exec(name) ?? [];
    if (owner === undefined || repo === undefined) continue;
    const manifest = parseObject((await folder.text(name)) ?? '');
    for (const field of ['ggufFile', 'mmprojFile']) {
      const said = manifest?.[field];
      const { rfilename, lfs } = isObject(said) ? said : {};
      if (typeof rfilename !== 'string') continue;
      const sha256 = isObject(lfs) ? lfs.sha256 : undefined;
      origins.set(`${owner}_${repo}_${rfilename}`.replaceAll('/', '_'), {
        claimed: claimedName(`${owner}/${repo}`, rfilename),
        sha256: typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256) ? sha256 : undefined,
      });
    }
  }
  return origins;
}

/** What the address says that a file was fetched from. */
async function originByAddress(
  folder: BoundedFolder,
  names: readonly string[],
  name: string,
): Promise<Origin | undefined> {
  if (!names.includes(`${name}.json`)) return undefined;
  const url = parseObject((await folder.text(`${name}.json`)) ?? '')?.url;
  if (typeof url !== 'string' || !URL.canParse(url)) return undefined;
  const [, repoId, revision, file] = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(new URL(url).pathname) ?? [];
  if (repoId === undefined || file === undefined) return undefined;
  return { claimed: claimedName(repoId, file, revision) };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
