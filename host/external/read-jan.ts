import { basename, isAbsolute } from 'node:path';
import type { ModelSource } from '../protocol/model-sources.ts';
import type { BoundedFolder } from './bounded-folder.ts';
import { completeModels, groupByFolder } from './complete-models.ts';
import { externalName, hubName } from './external-id.ts';
import type { ExternalFile, Reader } from './external-model.ts';
import { findFiles } from './found-files.ts';

/** Subfolders of the data folder that contain models, the current one first. */
const MODEL_FOLDERS = [['llamacpp', 'models'], ['models']];

/**
 * Reads Jan's data folder: `llamacpp/models/<id>/model.gguf` with a `model.yml`. For a model that was imported from
 * another folder, `model_path` in that file is its absolute path. Older versions use
 * `models/huggingface.co/<owner>/<repository>/<file>.gguf` or `models/<id>/<file>.gguf`.
 */
export async function* readJan(folder: BoundedFolder, source: ModelSource): Reader {
  for (const base of MODEL_FOLDERS) {
    const paths = await Array.fromAsync(folder.filesBelow(...base));
    for (const { folder: parts, names } of groupByFolder(paths)) {
      const inner = parts.slice(base.length);
      const settings = names.includes('model.yml') ? await folder.text(...parts, 'model.yml') : undefined;
      const reference = topLevel(settings, 'model_path');
      if (reference !== undefined && isAbsolute(reference)) {
        const file = await folder.referenced(reference);
        if (file !== undefined) {
          const files = [withChecksum(file, basename(reference), settings)];
          yield { source, name: externalName(source, inner), claimed: undefined, title: inner.join('/'), files };
        }
        continue;
      }
      for (const model of completeModels(folder, parts, names)) {
        const files = await findFiles(folder, parts, model);
        if (files === undefined) continue;
        // A model named `model.gguf` is named after its folder.
        const path = model[0] === 'model.gguf' && inner.length > 0 ? inner : [...inner, model[0]];
        const [host, owner, repo, ...file] = [...inner, model[0]];
        const isFromHub = host === 'huggingface.co' && owner !== undefined && repo !== undefined && file.length > 0;
        yield {
          source,
          name: externalName(source, path),
          claimed: isFromHub ? hubName(`${owner}/${repo}`, file.join('/')) : undefined,
          title: path.join('/'),
          files: files.length === 1 ? files.map((one) => withChecksum(one, model[0], settings)) : files,
        };
      }
    }
  }
}

/** Adds the checksum from `model.yml` to the model's or the projector's file. */
function withChecksum(file: ExternalFile, name: string, settings: string | undefined): ExternalFile {
  const field = /mmproj/i.test(name) ? 'mmproj' : 'model';
  const path = topLevel(settings, `${field}_path`)?.split(/[/\\]/).at(-1);
  const sha256 = topLevel(settings, `${field}_sha256`);
  return path === name && sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256) ? { ...file, sha256 } : file;
}

/** Returns a plain scalar at the top level of a YAML file. Jan's files need no other YAML syntax. */
function topLevel(yaml: string | undefined, key: string): string | undefined {
  return new RegExp(`^${key}:[ \\t]*(['"]?)([^'"\\r\\n]*)\\1[ \\t]*\\r?$`, 'm').exec(yaml ?? '')?.[2]?.trim();
}
