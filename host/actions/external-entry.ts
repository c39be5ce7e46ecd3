import { entryFromName } from '../catalog/entry.ts';
import { plainTitle } from '../external/external-id.ts';
import type { GoneModel, ListedExternalModel } from '../external/listing.ts';
import { SOURCE_NAMES } from '../protocol/model-sources.ts';

/** A model that lies elsewhere, in the form of a list of models. */
export function offeredEntry(model: ListedExternalModel) {
  const { offered, name, source, size, classification, title, files } = model;
  const entry = entryFromName(offered, source, size);
  return {
    ...entry,
    // Under an id of our making the program's own name says more than a piece of the path.
    name: offered.id === name.id ? plainTitle(title).replace(/\.gguf$/i, '') : entry.name,
    ...(classification.kind === 'model'
      ? { model_type: classification.modelType, default_quant: classification.quantization }
      : {}),
    downloaded: true,
    size,
    path: files[0]?.path ?? '',
  };
}

/** The same, in the form of a scan. */
export function scannedEntry(model: ListedExternalModel) {
  const { offered, title, source, classification, files, size, verified } = model;
  return {
    id: offered.id,
    name: plainTitle(title),
    source,
    kind: classification.kind,
    path: files[0]?.path ?? '',
    files: files.length,
    size,
    architecture: classification.architecture,
    quantization: classification.kind === 'model' ? classification.quantization : null,
    sha256: files[0]?.sha256 ?? null,
    verified,
  };
}

/** A model of the hub that another program held: on the list still, and not on the disk. */
export function goneEntry({ name, source, path }: GoneModel) {
  return {
    ...entryFromName(name, source),
    downloaded: false,
    description: `${SOURCE_NAMES[source]} held this file (${path}) and holds it no more, or has changed it. DOWNLOAD_MODEL fetches it.`,
  };
}
