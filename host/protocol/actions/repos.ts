import * as v from 'valibot';
import { Bytes, integer, Name, pagedPayload, paging } from '../fields.ts';

/** How SEARCH_MODELS may sort; the most first. */
export const SEARCH_SORTS = ['downloads', 'likes', 'lastModified', 'createdAt', 'trendingScore'] as const;
/** Most results of one search: with every field at its longest they fit a reply. */
export const MAX_SEARCH_RESULTS = 100;
/** Longest text that is searched for, characters. */
const MAX_QUERY_LENGTH = 256;

export const ListRepoFilesRequest = v.looseObject({
  /** A repository `owner/name`. */
  modelPath: v.optional(Name),
  /** The same as `modelPath`. */
  repoId: v.optional(Name),
  /** Branch, tag or commit of the repository; `main` when absent. */
  revision: v.optional(Name),
  ...paging,
});

export const RepoFileEntry = v.object({
  /** What DOWNLOAD_MODEL and LOAD_MODEL take. */
  id: v.string(),
  /** Of a model in parts, the first. */
  fileName: v.string(),
  /** A projector (`mmproj`) belongs to a model and cannot be loaded by itself; `other` is no model. */
  kind: v.picklist(['model', 'projector', 'other']),
  /** As the file's name tells; null where it does not. */
  quantization: v.nullable(v.string()),
  /** Of all parts; null where the hub does not say. */
  size: v.nullable(Bytes),
  parts: v.number(),
  /** False where the hub has only some of the parts. */
  complete: v.boolean(),
  /** Whether the memory that is free here now holds it; null where the size is not known. */
  fits: v.nullable(v.boolean()),
  downloaded: v.boolean(),
});

export const ListRepoFilesPayload = v.object({
  repoId: v.string(),
  revision: v.string(),
  files: v.array(RepoFileEntry),
  /** What DOWNLOAD_MODEL takes of this repository when it is told no more; null where it would refuse. */
  choice: v.nullable(v.string()),
  ...pagedPayload,
});

export const SearchModelsRequest = v.looseObject({
  query: v.pipe(v.string(), v.maxLength(MAX_QUERY_LENGTH, `at most ${MAX_QUERY_LENGTH} characters long`)),
  sort: v.optional(v.picklist(SEARCH_SORTS), 'downloads'),
  limit: v.optional(integer(1, MAX_SEARCH_RESULTS), 20),
  /** `nextCursor` of an earlier reply to the same query. */
  cursor: v.optional(v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,1024}$/, 'a cursor from an earlier reply'))),
});

export const SearchModelsPayload = v.object({
  models: v.array(
    v.object({
      repoId: v.string(),
      downloads: v.nullable(v.number()),
      likes: v.nullable(v.number()),
      /** ISO 8601. */
      lastModified: v.nullable(v.string()),
      /** Its terms have to be accepted at the hub first. */
      gated: v.boolean(),
      tags: v.array(v.string()),
      /** What the hub read out of a GGUF file of it; null where it did not. */
      gguf: v.nullable(
        v.object({
          architecture: v.optional(v.string()),
          parameters: v.optional(v.number()),
          contextLength: v.optional(v.number()),
        }),
      ),
    }),
  ),
  ...pagedPayload,
});
