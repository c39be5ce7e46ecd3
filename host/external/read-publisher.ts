import type { ModelSource } from '../protocol/model-sources.ts';
import type { BoundedFolder } from './bounded-folder.ts';
import { completeModels, groupByFolder } from './complete-models.ts';
import { externalName, hubName } from './external-id.ts';
import type { Reader } from './external-model.ts';
import { findFiles } from './found-files.ts';

/**
 * Reads LM Studio's layout: `<publisher>/<repository>/…/<file>.gguf`, with the names of the hub. LM Studio stores no
 * checksums, so the names are trusted only after the files have been compared with those on the hub.
 */
export async function* readPublisherFolder(folder: BoundedFolder, source: ModelSource): Reader {
  const paths = await Array.fromAsync(folder.filesBelow());
  for (const { folder: parts, names } of groupByFolder(paths)) {
    const [publisher, repo, ...inner] = parts;
    for (const model of completeModels(folder, parts, names)) {
      const files = await findFiles(folder, parts, model);
      if (files === undefined) continue;
      const path = [...parts, model[0]];
      const claimed =
        publisher === undefined || repo === undefined
          ? undefined
          : hubName(`${publisher}/${repo}`, [...inner, model[0]].join('/'));
      yield { source, name: externalName(source, path), claimed, title: path.join('/'), files };
    }
  }
}
