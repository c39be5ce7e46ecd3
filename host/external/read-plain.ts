import type { ModelSource } from '../protocol/model-sources.ts';
import type { BoundedFolder } from './bounded-folder.ts';
import { externalName } from './external-id.ts';
import type { Reader } from './external-model.ts';
import { foundFiles } from './found-files.ts';
import { byFolder, wholeModels } from './whole-models.ts';

/** GGUF files anywhere below a folder, known by their paths: GPT4All's folder, and those a user configured. */
export async function* readPlainFolder(folder: BoundedFolder, source: ModelSource): Reader {
  const paths = await Array.fromAsync(folder.filesBelow());
  for (const { folder: parts, names } of byFolder(paths)) {
    for (const model of wholeModels(names)) {
      const files = await foundFiles(folder, parts, model);
      const path = [...parts, model[0]];
      if (files !== undefined) yield { source, name: externalName(source, path), title: path.join('/'), files };
    }
  }
}
