import type { ModelSource } from '../protocol/model-sources.ts';
import type { BoundedFolder } from './bounded-folder.ts';
import { externalName } from './external-id.ts';
import type { Reader } from './external-model.ts';
import { findFiles } from './found-files.ts';
import { completeModels, groupByFolder } from './whole-models.ts';

/**
 * Reads GGUF files anywhere below a folder, named by their paths: GPT4All's folder, and those that the user configured.
 */
export async function* readPlainFolder(folder: BoundedFolder, source: ModelSource): Reader {
  const paths = await Array.fromAsync(folder.filesBelow());
  for (const { folder: parts, names } of groupByFolder(paths)) {
    for (const model of completeModels(folder, parts, names)) {
      const files = await findFiles(folder, parts, model);
      const path = [...parts, model[0]];
      if (files !== undefined) yield { source, name: externalName(source, path), title: path.join('/'), files };
    }
  }
}
