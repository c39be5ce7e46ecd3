import * as v from 'valibot';
import { validate } from '../common/validate.ts';
import type { ModelSource } from '../protocol/model-sources.ts';
import type { BoundedFolder } from './bounded-folder.ts';
import { externalName } from './external-id.ts';
import type { ExternalModel, Reader } from './external-model.ts';
import { parseObject } from './named-folder.ts';

/** Of a manifest only the layers matter, and of a layer only what it is and which blob it lies in. */
const Manifest = v.looseObject({
  layers: v.pipe(
    v.array(v.looseObject({ mediaType: v.string(), digest: v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/)) })),
    v.maxLength(1000),
  ),
});

/** The layers that are GGUF files: the model, and what it sees or hears with. */
const GGUF_LAYERS = new Map([
  ['application/vnd.ollama.image.model', ''],
  ['application/vnd.ollama.image.projector', 'projector'],
]);

/** The registry and namespace that Ollama leaves out of a model's name. */
const DEFAULT_REGISTRY = 'registry.ollama.ai';
const DEFAULT_NAMESPACE = 'library';

/**
 * Ollama's store: `manifests/<registry>/<namespace>/<name>/<tag>` (JSON) names the layers, `blobs/sha256-<hex>` holds
 * them. A model in several layers is passed over: llama.cpp finds further parts by their names, which blobs have not.
 */
export async function* readOllama(folder: BoundedFolder, source: ModelSource): Reader {
  for await (const [, ...path] of folder.filesBelow('manifests')) {
    const [registry, namespace, name, tag, ...rest] = path;
    if (registry === undefined || namespace === undefined || name === undefined || tag === undefined || rest.length > 0)
      continue;
    const manifest = validate(Manifest, parseObject((await folder.text('manifests', ...path)) ?? ''));
    if (!manifest.success) continue;
    const host = registry === DEFAULT_REGISTRY ? [] : [registry];
    const parts = [...host, ...(host.length === 0 && namespace === DEFAULT_NAMESPACE ? [] : [namespace]), name];
    const { layers } = manifest.output;
    if (layers.filter(({ mediaType }) => mediaType === 'application/vnd.ollama.image.model').length > 1) continue;
    for (const { mediaType, digest } of layers) {
      const role = GGUF_LAYERS.get(mediaType);
      const held = role === undefined ? undefined : await layerOf(folder, digest);
      if (role === undefined || held === undefined) continue;
      yield {
        source,
        name: externalName(source, [...parts, tag, ...(role === '' ? [] : [`${role}-${digest.slice(7, 15)}`])]),
        title: `${parts.join('/')}:${tag}${role === '' ? '' : ` (${role})`}`,
        files: [held],
      };
    }
  }
}

async function layerOf(folder: BoundedFolder, digest: string): Promise<ExternalModel['files'][number] | undefined> {
  const sha256 = digest.slice('sha256:'.length);
  // Versions of early 2024 and before named blobs with the colon of the digest.
  const file = (await folder.file('blobs', `sha256-${sha256}`)) ?? (await folder.file('blobs', digest));
  return file === undefined ? undefined : { ...file, sha256 };
}
