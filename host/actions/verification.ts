import type { VerificationProgress, VerifiedModel } from '../cache/cache-verifier.ts';
import { defined } from '../common/defined.ts';
import { throttle } from '../common/progress.ts';
import * as declared from '../protocol/actions/verification.ts';
import { MAX_LISTED_CHUNKS } from '../protocol/limits.ts';
import type { PayloadOf, RequestOf } from '../protocol/messages.ts';
import { type ModelName, readModelQuery } from '../protocol/model-name.ts';
import { type Call, handle } from './action.ts';
import { hasModelReference } from './model-reference.ts';
import { page } from './paging.ts';
import { transferProgress } from './progress.ts';
import { knownName } from './resolve-name.ts';

type Entry = PayloadOf<'VERIFY_MODEL'>['models'][number];

function entryOf({ name, state, files, fetched, error }: VerifiedModel): Entry {
  return {
    modelId: name.id,
    id: name.id,
    repoId: name.repoId,
    state,
    repaired: fetched !== undefined,
    fetched: fetched ?? 0,
    files: files.map(({ file, badChunks, expectedSize, record: _, ...rest }) => ({
      fileName: file,
      ...rest,
      expectedSize: expectedSize ?? null,
      badChunks: badChunks.slice(0, MAX_LISTED_CHUNKS),
      badChunkCount: badChunks.length,
    })),
    ...defined({ error: error && { ...error } }),
  };
}

function isDamaged({ state, repaired, error }: Entry): boolean {
  return error !== undefined || (!repaired && (state === 'bad' || state === 'missing'));
}

/** Returns what a request names; undefined for every model in the cache. */
function referenceOf(request: RequestOf<'VERIFY_MODEL'>) {
  return hasModelReference(request) ? readModelQuery(request) : undefined;
}

function run(
  method: 'verify' | 'repair',
  request: RequestOf<'VERIFY_MODEL'>,
  call: Call,
  emit: (progress: VerificationProgress) => void,
) {
  const reference = referenceOf(request);
  return call.services.verifyRequests.run(reference, call, async (cancellable, onNamed) => {
    const name = reference === undefined ? undefined : await knownName(request, cancellable);
    if (name !== undefined) onNamed(name);
    return verify(method, name, cancellable, emit);
  });
}

async function verify(
  method: 'verify' | 'repair',
  name: ModelName | undefined,
  { services, signal }: Call,
  emit: (progress: VerificationProgress) => void,
) {
  const report = throttle(emit);
  try {
    const { verifier } = await services.cache();
    const models = await verifier[method](name, { signal, onProgress: report });
    const entries = models.map(entryOf);
    const damaged = entries.filter(isDamaged);
    const { items } = page([...damaged, ...entries.filter((entry) => !isDamaged(entry))], {});
    return {
      message: damaged.length === 0 ? 'No problems found' : `Models with problems: ${damaged.length}`,
      payload: { models: items, checked: entries.length, bad: damaged.length },
    };
  } finally {
    report.flush();
  }
}

function verifyProgress({ model, models, ...transfer }: VerificationProgress) {
  return { ...transferProgress({ ...transfer, isComplete: false }), model, models };
}

export const verifyModel = handle(declared.verifyModel, (request, call) =>
  run('verify', request, call, (progress) => call.emit('MODEL_VERIFY_PROGRESS', verifyProgress(progress))),
);

export const repairModel = handle(declared.repairModel, (request, call) =>
  run('repair', request, call, (progress) => {
    if (progress.phase !== 'repairing') call.emit('MODEL_VERIFY_PROGRESS', verifyProgress(progress));
    else call.emit('MODEL_DOWNLOAD_PROGRESS', transferProgress({ ...progress, isComplete: false }));
  }),
);

export const cancelVerify = handle(declared.cancelVerify, async (request, { services }) => {
  const { targetRequestId } = request;
  const cancelled = await services.verifyRequests.cancel({ reference: referenceOf(request), targetRequestId });
  return { payload: { cancelled: cancelled.length } };
});
