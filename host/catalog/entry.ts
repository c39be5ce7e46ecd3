import type * as v from 'valibot';
import type { catalogEntry } from '../protocol/actions/catalog.ts';
import type { ModelName } from '../protocol/model-name.ts';
import { modelStem } from '../protocol/shards.ts';
import { modelTypeFor } from './model-type.ts';
import { quantizationOf } from './quantization-name.ts';

/** A catalog entry without `downloaded`, which the catalog does not know. */
export type CatalogModel = Omit<v.InferOutput<typeof catalogEntry>, 'downloaded'>;

/** Derives a catalog entry from a file's name and size. */
export function entryFromName(name: ModelName, source: CatalogModel['source'], size = 0): CatalogModel {
  return {
    id: name.id,
    name: titleOf(name.file),
    repo_id: name.repoId,
    file_path: name.file,
    model_type: modelTypeFor({ file: name.file, repo: name.repoId }),
    size_gb: gigabytes(size),
    tags: [],
    suggested: false,
    description: '',
    default_quant: quantizationOf(name.file) ?? '',
    source,
    requires_token: false,
  };
}

/** Converts bytes to decimal gigabytes with two decimal places, as on the Hugging Face Hub. */
export function gigabytes(bytes: number): number {
  return Math.round(bytes / 1e7) / 100;
}

/** Returns the title for a file: `Qwen3-8B-Q4_K_M` for `UD-Q4/Qwen3-8B-Q4_K_M-00001-of-00002.gguf`. */
function titleOf(file: string): string {
  return modelStem(file.split('/').at(-1) ?? file);
}
