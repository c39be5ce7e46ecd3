import { entryFromName } from '../catalog/entry.ts';
import { defined } from '../common/defined.ts';
import { plainTitle } from '../external/external-id.ts';
import type { ListedExternalModel, MissingModel } from '../external/listing.ts';
import { SOURCE_NAMES } from '../protocol/model-sources.ts';

/** Describes a model of another program as lists of models do. */
export function offeredEntry(model: ListedExternalModel) {
  const { offered, name, source, size, classification, title, files } = model;
  const entry = entryFromName(offered, source, size);
  return {
    ...entry,
    // Where the host made the id, the program's own name says more than a part of the path.
    name: offered.id === name.id ? plainTitle(title).replace(/\.gguf$/i, '') : entry.name,
    ...(classification.kind === 'model'
      ? { model_type: classification.modelType, default_quant: classification.quantization }
      : kindFields(classification)),
    downloaded: true,
    size,
    path: files[0]?.path ?? '',
  };
}

/** Returns the kind of a file and, for an adapter, its base model. */
function kindFields(classification: ListedExternalModel['classification']) {
  const { kind } = classification;
  return kind === 'adapter' ? { kind, ...defined({ baseModel: classification.baseModel }) } : { kind };
}

/** Describes a model of another program as a scan does. */
export function scannedEntry(model: ListedExternalModel) {
  const { offered, title, source, classification, files, size, verified } = model;
  return {
    modelId: offered.id,
    id: offered.id,
    name: plainTitle(title),
    source,
    path: files[0]?.path ?? '',
    files: files.length,
    size,
    architecture: classification.architecture,
    ...kindFields(classification),
    quantization: classification.kind === 'model' ? classification.quantization : null,
    sha256: files[0]?.sha256 ?? null,
    verified,
  };
}

/** Describes a model that another program had and that can be downloaded. */
export function goneEntry({ name, source, path }: MissingModel) {
  return {
    ...entryFromName(name, source),
    downloaded: false,
    description: `${SOURCE_NAMES[source]} has removed or changed its file of this model (${path}). It can be downloaded.`,
  };
}
