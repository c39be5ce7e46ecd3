import type { CatalogModel } from '../catalog/entry.ts';
import { gigabytes } from '../catalog/entry.ts';
import type { OfferedModel } from '../remote/offered-models.ts';

/** Describes a model of a remote engine as lists of models do. */
export function remoteEntry({ name, facts }: OfferedModel): CatalogModel & { downloaded: boolean } {
  const { id, engine, model } = name;
  return {
    id,
    name: model,
    repo_id: `remote/${engine}`,
    file_path: model,
    model_type: 'remote',
    size_gb: gigabytes(facts.size),
    tags: [],
    suggested: false,
    downloaded: true,
    description: `Provided by remote engine "${engine}"`,
    default_quant: '',
    source: 'remote',
    requires_token: false,
  };
}
