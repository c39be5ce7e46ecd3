import type { PruneItem } from '../cache/prune-plan.ts';
import { formatBytes } from '../common/format.ts';
import { throttle } from '../common/progress.ts';
import { sum } from '../common/sum.ts';
import * as declared from '../protocol/actions/cache.ts';
import type { PayloadOf } from '../protocol/messages.ts';
import { handle } from './action.ts';
import { fitWithinBytes, page, pageOf } from './paging.ts';
import { percent } from './progress.ts';
import { knownName } from './resolve-name.ts';

type Entry = PayloadOf<'PRUNE_CACHE'>['removed'][number];

function prunedEntry(item: PruneItem): Entry {
  if (item.kind === 'model') {
    const { name, lastUsed } = item.model;
    return { kind: item.kind, modelId: name.id, id: name.id, bytes: item.bytes, lastUsed: lastUsed / 1000 };
  }
  const { name, modified } = item.partial;
  const id = name?.id ?? null;
  return { kind: item.kind, modelId: id, id, bytes: item.bytes, lastUsed: modified / 1000 };
}

export const getCacheStats = handle(declared.getCacheStats, async (request, { services }) => {
  const cache = await services.cache();
  const { eviction } = cache;
  const [usage, limit, disk] = await Promise.all([eviction.usage(), eviction.limit(), cache.disk()]);
  const partials = fitWithinBytes(
    usage.partials.map(({ name, bytes, modified }) => {
      const id = name?.id ?? null;
      return { modelId: id, id, bytes, modified: modified / 1000 };
    }),
  );
  const models = usage.models.toSorted((a, b) => a.lastUsed - b.lastUsed);
  const modelBytes = sum(models.map(({ size }) => size));
  const partialBytes = sum(usage.partials.map(({ bytes }) => bytes));
  const isInUse = await eviction.inUseCheck();
  const { items, ...next } = pageOf(
    models,
    request,
    ({ name, size, lastUsed, pinned }) => ({
      modelId: name.id,
      id: name.id,
      repoId: name.repoId,
      fileName: name.file,
      size,
      lastUsed: lastUsed / 1000,
      pinned,
      // Only for the models of this page: each may require checking its lock.
      busy: isInUse(name),
    }),
    Buffer.byteLength(JSON.stringify(partials)),
  );
  return {
    payload: {
      folder: cache.folder,
      models: items,
      partials,
      modelCount: models.length,
      modelBytes,
      partialBytes,
      totalBytes: modelBytes + partialBytes,
      limitBytes: Number.isFinite(limit) ? limit : null,
      disk,
      ...next,
    },
  };
});

export const pruneCache = handle(
  declared.pruneCache,
  async ({ dryRun, partialDays, orphans, maxBytes }, { services }) => {
    const { eviction } = await services.cache();
    const limit = maxBytes ?? (await eviction.limit());
    const { removed, kept } = await eviction.prune({ partialDays, orphans, limit }, { dryRun });
    const freed = sum(removed.map(({ bytes }) => bytes));
    return {
      message: `${dryRun ? 'Would free' : 'Freed'} ${formatBytes(freed)}`,
      payload: {
        dryRun,
        removed: page(removed.map(prunedEntry), {}).items,
        removedCount: removed.length,
        freed,
        keptCount: kept.length,
      },
    };
  },
);

export const pinModel = handle(declared.pinModel, async (request, call) => {
  const name = await knownName(request, call);
  await (await call.services.cache()).eviction.pin(name);
  return { payload: { modelId: name.id, id: name.id, pinned: true }, message: `Pinned ${name.id}` };
});

export const unpinModel = handle(declared.unpinModel, async (request, call) => {
  const name = await knownName(request, call);
  await (await call.services.cache()).eviction.unpin(name);
  return { payload: { modelId: name.id, id: name.id, pinned: false }, message: `Unpinned ${name.id}` };
});

export const moveCache = handle(declared.moveCache, async ({ folder }, { services, signal, emit }) => {
  const report = throttle(({ moved, total }: { moved: number; total: number }) =>
    emit('CACHE_MOVE_PROGRESS', { moved, total, progress: percent(moved, total) }),
  );
  try {
    const payload = await services.relocateCache(folder, { signal, onProgress: report });
    return { payload, message: `Cache moved to ${payload.to}` };
  } finally {
    report.flush();
  }
});
