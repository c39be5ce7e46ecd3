import { type ModelUpdate, stagedName } from '../cache/cache-updates.ts';
import { HostError } from '../common/errors.ts';
import type { CachedModel } from '../model-files/types.ts';
import * as declared from '../protocol/actions/updates.ts';
import { type ModelName, readModelQuery } from '../protocol/model-name.ts';
import { isMatch } from '../requests/reference.ts';
import { type Call, handle } from './action.ts';
import { assertNotExternal } from './delete-external.ts';
import { type ObtainedModel, type ObtainOptions, obtainModel, waitListener } from './find-model.ts';
import { askHub, askPatiently, LISTING_TIMEOUT_MS } from './hub-patience.ts';
import { hasModelReference } from './model-reference.ts';
import { pageOf } from './paging.ts';

/** The result of updating a model. */
export interface UpdatedModel extends ObtainedModel {
  /** Whether a newer file replaced the old one. */
  readonly isReplaced?: boolean;
  /** Why it was not replaced. */
  readonly note?: string | undefined;
}

/**
 * Downloads the newer files of a model beside the old ones and replaces those. Downloads a model as usual if it is not
 * on the disk.
 *
 * @throws HostError what a download throws; `NOT_OURS` for the user's own files; `MODEL_IN_USE`.
 */
export async function updateModel(name: ModelName, call: Call, options: ObtainOptions): Promise<UpdatedModel> {
  const { services, signal } = call;
  const cache = await services.cache();
  const present = await cache.find(name);
  if (present === undefined) return obtainModel(name, call, options);
  const [update] = await askPatiently(call, waitListener(name, options), (onPause) =>
    cache.updates.check([present], { signal, onPause }),
  );
  if (update?.state !== 'newer') return { model: present, alreadyDownloaded: true, note: noteOn(update) };
  const staged = updateName(name, update);
  const onProgress = (status: Parameters<ObtainOptions['onProgress']>[0]) => options.onProgress(status, 'Downloading');
  const { maxBytesPerSecond } = options;
  await cache.download(staged, { signal, onProgress, maxBytesPerSecond });
  return { model: await cache.updates.replace(name, staged), alreadyDownloaded: false, isReplaced: true };
}

function updateName(name: ModelName, { commit }: ModelUpdate): ModelName {
  if (typeof commit === 'string' && commit !== name.revision) return stagedName(name, commit);
  throw new HostError(
    'HUB_ERROR',
    `The Hugging Face Hub has a newer file of ${name.id}, but does not say of which commit. Delete the model and download it again.`,
    { details: { modelId: name.id, expected: 'X-Repo-Commit' } },
  );
}

function noteOn(update: ModelUpdate | undefined): string | undefined {
  return update?.state === 'current' ? 'It is up to date' : update?.reason;
}

export const checkUpdates = handle(declared.checkUpdates, async (request, call) => {
  const { services, signal } = call;
  const cache = await services.cache();
  const all: readonly CachedModel[] = await cache.list();
  const reference = hasModelReference(request) ? readModelQuery(request) : undefined;
  const models = reference === undefined ? all : all.filter(({ name }) => isMatch(name, reference));
  if (reference !== undefined && models.length === 0) {
    const error = new HostError('MODEL_NOT_DOWNLOADED', `${reference.repoId} is not downloaded.`);
    await assertNotExternal(reference, error, call);
    throw error;
  }
  // A silent hub must not be asked about every model in turn.
  const [first, ...others] = models;
  const compared =
    first === undefined
      ? []
      : [
          ...(await askHub(call, LISTING_TIMEOUT_MS, (limit) => cache.updates.check([first], { signal: limit }))),
          ...(await cache.updates.check(others, { signal })),
        ];
  const { items, ...next } = pageOf(compared, request, ({ model, state, newSize, commit, changedAt, reason }) => ({
    modelId: model.name.id,
    state,
    size: model.size,
    newSize: newSize ?? null,
    commit: commit ?? null,
    changedAt: changedAt ?? null,
    ...(reason === undefined ? {} : { reason }),
  }));
  return { payload: { models: items, ...next } };
});
