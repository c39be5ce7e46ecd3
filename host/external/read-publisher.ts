import type { ModelSource } from '../protocol/model-sources.ts';
import type { BoundedFolder } from './bounded-folder.ts';
import { claimedName, externalName } from './external-id.ts';
import type { Reader } from './external-model.ts';
import { foundFiles } from './found-files.ts';
import { byFolder, wholeModels } from './whole-models.ts';

/**
 * LM Studio's layout: `<publisher>/<repository>/…/<file>.gguf`, named as on the hub. It keeps no checksums, so what a
 * folder's name claims is believed only after the hub has said the same.
 */
export async function* readPublisherFolder(folder: BoundedFolder, source: ModelSource): Reader {
  const paths = await Array.fromAsync(folder.filesBelow());
  for (const { folder: parts, names } of byFolder(paths)) {
    const [publisher, repo, ...inner] = parts;
    for (const model of wholeModels(names)) {
      const files = await foundFiles(folder, parts, model);
      if (files === undefined) continue;
      const path = [...parts, model[0]];
      const claimed =
        publisher === undefined || repo === undefined
          ? undefined
          : claimedName(`${publisher}/${repo}`, [...inner, model[0]].join('/'));
      yield { source, name: externalName(source, path), claimed, title: path.join('/'), files };
    }
  }
}
