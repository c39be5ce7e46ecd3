import type { VerificationProgress, VerifiedModel } from '../cache/cache-verifier.ts';
import { defined } from '../common/defined.ts';
import { throttle } from '../common/progress.ts';
import { MAX_NAMED_CHUNKS } from '../protocol/actions/verification.ts';
import type { PayloadOf, RequestOf } from '../protocol/messages.ts';
import type { ModelName } from '../protocol/model-name.ts';
import type { Actions, Call } from './action.ts';
import { percent } from './download-events.ts';
import { hasModelReference } from './has-model-reference.ts';
import { page } from './paging.ts';
import { knownName } from './resolve-name.ts';

type Entry = PayloadOf<'VERIFY_MODEL'>['models'][number];

function entryOf({ name, state, files, fetched, error }: VerifiedModel): Entry {
  return {
    id: name.id,
    repoId: name.repoId,
    state,
    repaired: fetched !== undefined,
    fetched: fetched ?? 0,
    files: files.map(({ file, badChunks, expectedSize, record: _, ...rest }) => ({
      fileName: file,
      ...rest,
      expectedSize: expectedSize ?? null,
      badChunks: badChunks.slice(0, MAX_NAMED_CHUNKS),
      badChunkCount: badChunks.length,
    })),
    ...defined({ error: error && { ...error } }),
  };
}

function isWrong({ state, repaired, error }: Entry): boolean {
  return error !== undefined || (!repaired && (state === 'bad' || state === 'missing'));
}

/** Tells the client of a check's progress and of what is fetched to mend. */
function progressTo(call: Call) {
  return throttle(({ doing, name, done, total, bytesPerSecond, model, models }: VerificationProgress) => {
    const progress = {
      repoId: name.repoId,
      fileName: name.file,
      loaded: done,
      total,
      progress: percent(done, total, false),
      bytesPerSecond: Math.round(bytesPerSecond),
      etaSeconds: bytesPerSecond > 0 ? Math.ceil((total - done) / bytesPerSecond) : null,
    };
    if (doing === 'mending') call.emit('MODEL_DOWNLOAD_PROGRESS', progress);
    else call.emit('MODEL_VERIFY_PROGRESS', { ...progress, model, models });
  });
}

async function nameOf(request: RequestOf<'VERIFY_MODEL'>, call: Call): Promise<ModelName | undefined> {
  return hasModelReference(request) ? knownName(request, call) : undefined;
}

async function care(method: 'verify' | 'repair', request: RequestOf<'VERIFY_MODEL'>, call: Call) {
  const report = progressTo(call);
  try {
    const { care } = await call.services.cache();
    const models = await care[method](await nameOf(request, call), { signal: call.signal, onProgress: report });
    const entries = models.map(entryOf);
    const wrong = entries.filter(isWrong);
    const { items } = page([...wrong, ...entries.filter((entry) => !isWrong(entry))], {});
    const said = wrong.length === 0 ? 'Nothing is wrong' : `Not as they should be: ${wrong.length}`;
    return { message: said, payload: { models: items, checked: entries.length, bad: wrong.length } };
  } finally {
    report.flush();
  }
}

export const actions: Actions<'VERIFY_MODEL' | 'REPAIR_MODEL' | 'CANCEL_VERIFY'> = {
  VERIFY_MODEL: (request, call) => care('verify', request, call),
  REPAIR_MODEL: (request, call) => care('repair', request, call),

  async CANCEL_VERIFY(request, call) {
    const [cache, name] = await Promise.all([call.services.cache(), nameOf(request, call)]);
    return { payload: { cancelled: cache.care.cancel(name) } };
  },
};
