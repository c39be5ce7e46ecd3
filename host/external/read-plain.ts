import type { ModelSource } from '../protocol/model-sources.ts';
import type { BoundedFolder } from './bounded-folder.ts';
import { completeModels, groupByFolder } from './complete-models.ts';
import { externalName } from './external-id.ts';
import type { Reader } from './external-model.ts';
import { findFiles } from './found-files.ts';

/**
 * Reads GGUF files anywhere below a folder and names them by their paths. For GPT4All and configured folders.
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
