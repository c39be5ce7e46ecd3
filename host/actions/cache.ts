import type { PruneItem } from '../cache/prune-plan.ts';
import { formatBytes } from '../common/format.ts';
import { sum } from '../common/sum.ts';
import type { PayloadOf } from '../protocol/messages.ts';
import type { Actions } from './action.ts';
import { fitWithinBytes } from './fit-within-bytes.ts';
import { page, pageOf } from './paging.ts';
import { knownName } from './resolve-name.ts';

type Entry = PayloadOf<'PRUNE_CACHE'>['removed'][number];

function prunedEntry(item: PruneItem): Entry {
  if (item.kind === 'model') {
    const { name, lastUsed } = item.model;
    return { kind: item.kind, id: name.id, bytes: item.bytes, lastUsed: lastUsed / 1000 };
  }
  const { name, modified } = item.partial;
  return { kind: item.kind, id: name?.id ?? null, bytes: item.bytes, lastUsed: modified / 1000 };
}

export const actions: Actions<'GET_CACHE_STATS' | 'PRUNE_CACHE' | 'PIN_MODEL' | 'UNPIN_MODEL'> = {
  async GET_CACHE_STATS(request, { services }) {
    const cache = await services.cache();
    const { keeping } = cache;
    const [usage, limit, disk] = await Promise.all([keeping.usage(), keeping.limit(), cache.disk()]);
    const partials = fitWithinBytes(
      usage.partials.map(({ name, bytes, modified }) => ({ id: name?.id ?? null, bytes, modified: modified / 1000 })),
    );
    const models = usage.models.toSorted((a, b) => a.lastUsed - b.lastUsed);
    const modelBytes = sum(models.map(({ size }) => size));
    const partialBytes = sum(usage.partials.map(({ bytes }) => bytes));
    const isBusy = await keeping.busyOnes();
    const { items, ...next } = pageOf(
      models,
      request,
      ({ name, size, lastUsed, pinned }) => ({
        id: name.id,
        repoId: name.repoId,
        fileName: name.file,
        size,
        lastUsed: lastUsed / 1000,
        pinned,
        // Asked for those that are shown alone: each may cost a look at its lock.
        busy: isBusy(name),
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
  },

  async PRUNE_CACHE({ dryRun, partialDays, orphans, maxBytes }, { services }) {
    const { keeping } = await services.cache();
    const limit = maxBytes ?? (await keeping.limit());
    const { removed, kept } = await keeping.prune({ partialDays, orphans, limit }, { dryRun });
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

  async PIN_MODEL(request, call) {
    const name = await knownName(request, call);
    await (await call.services.cache()).keeping.pin(name);
    return { payload: { id: name.id, pinned: true }, message: `${name.id} is kept whatever the size limit` };
  },

  async UNPIN_MODEL(request, call) {
    const name = await knownName(request, call);
    await (await call.services.cache()).keeping.unpin(name);
    return { payload: { id: name.id, pinned: false }, message: `${name.id} may be removed to make room` };
  },
};
