import type { ModelSource } from '../protocol/model-sources.ts';
import type { BoundedFolder } from './bounded-folder.ts';
import { claimedName, externalName } from './external-id.ts';
import type { ExternalFile, Reader } from './external-model.ts';
import { foundFiles } from './found-files.ts';
import { byFolder, wholeModels } from './whole-models.ts';

/** The folders of a data folder that hold models, today's first. */
const MODEL_FOLDERS = [['llamacpp', 'models'], ['models']];

/**
 * Jan's data folder: `llamacpp/models/<id>/model.gguf` with a `model.yml`, and of older versions
 * `models/huggingface.co/<owner>/<repository>/<file>.gguf` or `models/<id>/<file>.gguf`.
 */
export async function* readJan(folder: BoundedFolder, source: ModelSource): Reader {
  for (const base of MODEL_FOLDERS) {
    const paths = await Array.fromAsync(folder.filesBelow(...base));
    for (const { folder: parts, names } of byFolder(paths)) {
      const inner = parts.slice(base.length);
      const settings = names.includes('model.yml') ? await folder.text(...parts, 'model.yml') : undefined;
      for (const model of wholeModels(names)) {
        const files = await foundFiles(folder, parts, model);
        if (files === undefined) continue;
        // A model alone in its folder is called as the folder; that its file is `model.gguf` tells nobody anything.
        const path = model[0] === 'model.gguf' && inner.length > 0 ? inner : [...inner, model[0]];
        const [host, owner, repo, ...file] = [...inner, model[0]];
        const isFromHub = host === 'huggingface.co' && owner !== undefined && repo !== undefined && file.length > 0;
        yield {
          source,
          name: externalName(source, path),
          claimed: isFromHub ? claimedName(`${owner}/${repo}`, file.join('/')) : undefined,
          title: path.join('/'),
          files: files.length === 1 ? files.map((one) => withChecksum(one, model[0], settings)) : files,
        };
      }
    }
  }
}

/** The checksum that `model.yml` has of the model's or the projector's file. */
function withChecksum(file: ExternalFile, name: string, settings: string | undefined): ExternalFile {
  const field = /mmproj/i.test(name) ? 'mmproj' : 'model';
  const path = topLevel(settings, `${field}_path`)?.split(/[/\\]/).at(-1);
  const sha256 = topLevel(settings, `${field}_sha256`);
  return path === name && sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256) ? { ...file, sha256 } : file;
}

/** A plain value at the top level of a YAML file; all that is needed of the format. */
function topLevel(yaml: string | undefined, key: string): string | undefined {
  return new RegExp(`^${key}:[ \\t]*(['"]?)([^'"\\r\\n]*)\\1[ \\t]*\\r?$`, 'm').exec(yaml ?? '')?.[2]?.trim();
}
