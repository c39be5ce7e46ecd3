import * as v from 'valibot';
import { defineAction } from '../define.ts';
import { CACHE_ERRORS } from '../errors.ts';
import { cacheMoveProgress } from '../events.ts';
import {
  bytes,
  count,
  field,
  integer,
  modelId,
  modelReference,
  nullable,
  optional,
  pagedResponse,
  paging,
  path,
  unixSeconds,
} from '../fields.ts';

/** Days after which PRUNE_CACHE treats a download as abandoned, unless the request says otherwise. */
const DEFAULT_PARTIAL_DAYS = 30;

/** Largest size limit a request may set, bytes: 1 PiB. */
const MAX_SIZE_LIMIT = 2 ** 50;

export const getCacheStats = defineAction({
  name: 'GET_CACHE_STATS',
  summary: 'Returns the contents of the cache, when each model was last used, and the free disk space.',
  request: paging,
  response: v.object({
    folder: field(v.string(), 'The folder of the models.'),
    models: field(
      v.array(
        v.object({
          modelId,
          id: field(v.string(), 'Alias of `modelId`.'),
          repoId: field(v.string(), 'The repository.'),
          fileName: field(v.string(), 'The file; of a model split into several files, the first.'),
          size: field(bytes, 'The size of all files.'),
          lastUsed: field(unixSeconds, 'When it was last loaded or, if it never was, downloaded.'),
          pinned: field(v.boolean(), 'Whether it is never removed automatically.'),
          busy: field(v.boolean(), 'Whether a host has it loaded, downloads it or repairs it.'),
        }),
      ),
      'The downloaded models, least recently used first.',
    ),
    partials: field(
      v.array(
        v.object({
          modelId: nullable(v.string(), 'The id of the model; null where it is unknown.'),
          id: nullable(v.string(), 'Alias of `modelId`.'),
          bytes: field(bytes, 'The size of the partial file.'),
          modified: field(unixSeconds, 'When it was last written to.'),
        }),
      ),
      'Partial files of unfinished downloads, as many as fit in the reply.',
    ),
    modelCount: field(count, 'The number of downloaded models.'),
    modelBytes: field(bytes, 'Their size.'),
    partialBytes: field(bytes, 'The size of all partial files.'),
    totalBytes: field(bytes, 'The size of both.'),
    limitBytes: nullable(bytes, 'The size limit; null without one.'),
    disk: nullable(
      v.object({
        total: field(bytes, 'The size of the disk.'),
        available: field(bytes, 'The free space that the user may use.'),
      }),
      'The disk of the cache; null where the system does not report it.',
    ),
    ...pagedResponse,
  }),
  errors: CACHE_ERRORS,
});

export const pruneCache = defineAction({
  name: 'PRUNE_CACHE',
  summary:
    'Removes abandoned downloads, then the least recently used models until the cache is within its size limit. A dry run by default.',
  request: {
    dryRun: field(v.optional(v.boolean(), true), 'Only list what would be removed. Default: true.'),
    partialDays: field(
      v.optional(integer(0, 36_500), DEFAULT_PARTIAL_DAYS),
      'Remove partial files that have not been written to for this many days. Default: 30.',
    ),
    orphans: field(
      v.optional(v.boolean(), true),
      'Remove partial files that belong to no known download. Default: true.',
    ),
    maxBytes: optional(
      integer(0, MAX_SIZE_LIMIT),
      'Remove models until the cache is at most this large. Default: the configured size limit.',
    ),
  },
  response: v.object({
    dryRun: field(v.boolean(), 'Whether nothing was removed.'),
    removed: field(
      v.array(
        v.object({
          kind: field(
            v.picklist(['partial', 'orphan', 'model']),
            '`partial`: an abandoned download. `orphan`: a partial file without a download. `model`: a model.',
          ),
          modelId: nullable(v.string(), 'The id of the model; null where it is unknown.'),
          id: nullable(v.string(), 'Alias of `modelId`.'),
          bytes: field(bytes, 'Its size.'),
          lastUsed: field(unixSeconds, 'When the model was last used, or the partial file last written to.'),
        }),
      ),
      'What was or would be removed, as many as fit in the reply.',
    ),
    removedCount: field(count, 'The number of removed items.'),
    freed: field(bytes, 'Freed disk space.'),
    keptCount: field(count, 'The number of items that were not removed because they had come into use.'),
  }),
  errors: CACHE_ERRORS,
});

const pinning = {
  request: modelReference,
  response: v.object({
    modelId,
    id: field(v.string(), 'Alias of `modelId`.'),
    pinned: field(v.boolean(), 'Whether the model is pinned now.'),
  }),
  errors: ['MODEL_NOT_DOWNLOADED', ...CACHE_ERRORS],
} as const;

export const pinModel = defineAction({
  name: 'PIN_MODEL',
  summary: 'Pins a model so that it is never removed automatically.',
  ...pinning,
});

export const unpinModel = defineAction({ name: 'UNPIN_MODEL', summary: 'Unpins a model.', ...pinning });

export const moveCache = defineAction({
  name: 'MOVE_CACHE',
  summary: 'Moves models and unfinished downloads to another folder or disk. Command line only.',
  localOnly: true,
  request: {
    folder: field(path, "The absolute path of the new folder. The host's own data folder moves the cache back."),
  },
  response: v.object({
    from: field(v.string(), 'The folder the cache was in.'),
    to: field(v.string(), 'The folder it is in now.'),
    files: field(count, 'The number of moved files.'),
    bytes: field(bytes, 'Their size.'),
  }),
  events: [cacheMoveProgress],
  errors: ['MODEL_IN_USE', ...CACHE_ERRORS],
});
