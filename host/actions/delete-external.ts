import { HostError, isHostError } from '../common/errors.ts';
import { modelNotDownloaded } from '../common/host-errors.ts';
import type { ExternalModel } from '../external/external-model.ts';
import type { ModelName, RepoName } from '../protocol/model-name.ts';
import { SOURCE_NAMES } from '../protocol/model-sources.ts';
import type { Call } from './action.ts';

/** Answers DELETE_MODEL for a `local/…` id: an import is forgotten, its file stays; everything else is refused. */
export async function deleteExternal(name: ModelName | RepoName, { services, signal }: Call) {
  const local = await services.external();
  if ('file' in name && (await local.forget(name))) {
    return {
      payload: { repoId: name.repoId, freed: 0 },
      message:
        'Forgot the import. The file is where it was: it is yours, and this host deletes no file it has not fetched.',
    };
  }
  const held = 'file' in name ? await local.find(name, { signal }) : undefined;
  if ('file' in name && held === undefined) throw modelNotDownloaded(name.id);
  throw notOurs('file' in name ? name.id : name.repoId, held);
}

/** Says why a model that our cache has not cannot be deleted: where another program holds it, that is why. */
export async function assertNotExternal(
  name: ModelName | RepoName,
  error: unknown,
  { services, signal }: Call,
): Promise<void> {
  if (!isHostError(error, 'MODEL_NOT_DOWNLOADED')) return;
  const local = await services.external();
  if ('file' in name) {
    const held = await local.find(name, { signal, believe: true });
    if (held !== undefined) throw notOurs(name.id, held);
    return;
  }
  const { models } = await local.list({ signal });
  const held = models.find(({ offered }) => offered.repoId === name.repoId && offered.revision === name.revision);
  if (held !== undefined) throw notOurs(held.offered.id, held);
}

function notOurs(id: string, held: ExternalModel | undefined): HostError {
  const path = held?.files[0]?.path;
  const whose = held === undefined ? 'other programs' : SOURCE_NAMES[held.source];
  return new HostError(
    'NOT_OURS',
    `${id} cannot be deleted here because it belongs to ${whose}${path === undefined ? '' : ` (${path})`}. Delete it there.`,
    { details: { model: id, ...(held === undefined ? {} : { source: held.source, path }) } },
  );
}
