import { HostError, isHostError } from '../common/errors.ts';
import { modelNotDownloaded } from '../common/host-errors.ts';
import type { ExternalModel } from '../external/external-model.ts';
import type { ModelName, RepoName } from '../protocol/model-name.ts';
import { SOURCE_NAMES } from '../protocol/model-sources.ts';
import type { Call } from './action.ts';

/** Handles DELETE_MODEL for a `local/…` id: removes an import from the list; refuses everything else. */
export async function deleteExternal(name: ModelName | RepoName, { services, signal }: Call) {
  const local = await services.external();
  if ('file' in name && (await local.forget(name))) {
    return {
      payload: { modelId: name.id, repoId: name.repoId, freed: 0 },
      message: 'Removed from the list. The file itself was not deleted.',
    };
  }
  const external = 'file' in name ? await local.find(name, { signal }) : undefined;
  if ('file' in name && external === undefined) throw modelNotDownloaded(name.id);
  throw notOurs('file' in name ? name.id : name.repoId, external);
}

/** Throws `NOT_OURS` in place of `MODEL_NOT_DOWNLOADED` for a model that belongs to another program. */
export async function assertNotExternal(
  name: ModelName | RepoName,
  error: unknown,
  { services, signal }: Call,
): Promise<void> {
  if (!isHostError(error, 'MODEL_NOT_DOWNLOADED')) return;
  const local = await services.external();
  if ('file' in name) {
    const external = await local.find(name, { signal, trustNames: true });
    if (external !== undefined) throw notOurs(name.id, external);
    return;
  }
  const { models } = await local.list({ signal });
  const external = models.find(({ offered }) => offered.repoId === name.repoId && offered.revision === name.revision);
  if (external !== undefined) throw notOurs(external.offered.id, external);
}

function notOurs(id: string, external: ExternalModel | undefined): HostError {
  const path = external?.files[0]?.path;
  const whose = external === undefined ? 'other programs' : SOURCE_NAMES[external.source];
  return new HostError(
    'NOT_OURS',
    `${id} cannot be deleted here because it belongs to ${whose}${path === undefined ? '' : ` (${path})`}. Delete it there.`,
    { details: { modelId: id, model: id, ...(external === undefined ? {} : { source: external.source, path }) } },
  );
}
