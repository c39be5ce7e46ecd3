import * as v from 'valibot';
import { validate } from '../common/validate.ts';
import type { ModelSource } from '../protocol/model-sources.ts';
import type { BoundedFolder } from './bounded-folder.ts';
import { externalName } from './external-id.ts';
import type { ExternalModel, Reader } from './external-model.ts';
import { parseObject } from './folder-setting.ts';

/** The relevant part of a manifest: the type and blob of each layer. */
const Manifest = v.looseObject({
  layers: v.pipe(
    v.array(v.looseObject({ mediaType: v.string(), digest: v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/)) })),
    v.maxLength(1000),
  ),
});

/** Layers that are GGUF files: the model and its multimodal projector. */
const GGUF_LAYERS = new Map([
  ['application/vnd.ollama.image.model', ''],
  ['application/vnd.ollama.image.projector', 'projector'],
]);

/** The registry and namespace that Ollama omits from a model's name. */
const DEFAULT_REGISTRY = 'registry.ollama.ai';
const DEFAULT_NAMESPACE = 'library';

/**
 * Reads Ollama's store: `manifests/<registry>/<namespace>/<name>/<tag>` (JSON) lists the layers, which are stored as
 * `blobs/sha256-<hex>`. Models split into several layers are skipped, because llama.cpp finds further parts by their
 * file names, and blobs do not have those.
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
      const file = role === undefined ? undefined : await layerOf(folder, digest);
      if (role === undefined) continue;
      if (file === undefined) {
        folder.budget.skip(`A file of the Ollama model ${parts.join('/')}:${tag} is missing (${digest}).`);
        continue;
      }
      yield {
        source,
        name: externalName(source, [...parts, tag, ...(role === '' ? [] : [`${role}-${digest.slice(7, 15)}`])]),
        title: `${parts.join('/')}:${tag}${role === '' ? '' : ` (${role})`}`,
        files: [file],
      };
    }
  }
}

async function layerOf(folder: BoundedFolder, digest: string): Promise<ExternalModel['files'][number] | undefined> {
  const sha256 = digest.slice('sha256:'.length);
  // Versions up to early 2024 named blobs with the colon of the digest.
  const file = (await folder.file('blobs', `sha256-${sha256}`)) ?? (await folder.file('blobs', digest));
  return file === undefined ? undefined : { ...file, sha256 };
}
