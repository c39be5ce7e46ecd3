import * as v from 'valibot';
import { defineAction } from '../define.ts';
import { CACHE_ERRORS, HUB_ERRORS } from '../errors.ts';
import {
  bytes,
  count,
  field,
  hubWarning,
  integer,
  modelId,
  name,
  nullable,
  optional,
  pagedResponse,
  paging,
  textUpTo,
} from '../fields.ts';
import { FILE_KINDS } from '../file-kinds.ts';
import { baseModel } from './catalog.ts';
import { estimate } from './estimate.ts';

/** The sort orders of SEARCH_MODELS, all descending. */
export const SEARCH_SORTS = ['downloads', 'likes', 'lastModified', 'createdAt', 'trendingScore'] as const;

/** Most results of one search: with every field at its longest they fit in a reply. */
const MAX_SEARCH_RESULTS = 100;

export const listRepoFiles = defineAction({
  name: 'LIST_REPO_FILES',
  summary:
    'Lists the GGUF models in a repository with their size and whether they fit. A model split into several files is listed once.',
  request: {
    modelPath: optional(name, 'The repository, `owner/name`, or with a quantization, `owner/name:Q4_K_M`.'),
    repoId: optional(name, 'Alias of `modelPath`.'),
    revision: optional(name, 'A branch, tag or commit of the repository; `main` when absent.'),
    quantization: optional(name, 'A quantization such as `Q4_K_M` for `choice`.'),
    ...paging,
  },
  response: v.object({
    repoId: field(v.string(), 'The repository.'),
    revision: field(v.string(), 'The revision.'),
    files: field(
      v.array(
        v.object({
          modelId,
          id: field(v.string(), 'Alias of `modelId`.'),
          fileName: field(v.string(), 'The file; of a model split into several files, the first.'),
          kind: field(
            v.picklist(FILE_KINDS),
            'The kind of the file, from its header if that can be read quickly, otherwise from its name. Only a `model` is ever chosen. `draft`: a draft model, or an add-on for multi-token prediction. `adapter`, `projector`, `imatrix`: a LoRA adapter, an `mmproj` file, an importance matrix. `vocabulary`: a vocabulary without a model. `part`: a piece of a file, which must be joined with the others first. `other`: not a language model.',
          ),
          baseModel,
          quantization: nullable(v.string(), 'The quantization in its file name; null if there is none.'),
          size: nullable(bytes, 'The size of all files; null where the Hugging Face Hub does not provide it.'),
          parts: field(count, 'The number of files.'),
          complete: field(v.boolean(), 'Whether the repository has all of its files.'),
          fits: nullable(v.boolean(), 'Whether it fits in the free memory; null where its size is unknown.'),
          estimate: optional(
            estimate,
            'Extension: whether and how fast it would run, from its size and name; absent for what is not a model.',
          ),
          downloaded: field(v.boolean(), 'Whether it is downloaded.'),
          downloadedSize: nullable(
            bytes,
            'The size of the downloaded files, which may be older; null if it is not downloaded.',
          ),
        }),
      ),
      'The models.',
    ),
    choice: nullable(
      v.string(),
      'The id of the model that `DOWNLOAD_MODEL` chooses when it is given the same fields; null if it would fail.',
    ),
    ...pagedResponse,
    ...hubWarning,
  }),
  errors: [...HUB_ERRORS, ...CACHE_ERRORS],
});

export const searchModels = defineAction({
  name: 'SEARCH_MODELS',
  summary: 'Searches the Hugging Face Hub for repositories with GGUF models.',
  request: {
    query: field(textUpTo(256), 'The text to search for.'),
    sort: field(v.optional(v.picklist(SEARCH_SORTS), 'downloads'), 'The order, descending. Default: `downloads`.'),
    limit: field(v.optional(integer(1, MAX_SEARCH_RESULTS), 20), 'The most results. Default: 20.'),
    cursor: optional(
      v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,1024}$/, 'a cursor from an earlier reply')),
      '`nextCursor` of the previous page of the same search.',
    ),
  },
  response: v.object({
    models: field(
      v.array(
        v.object({
          repoId: field(v.string(), 'The repository.'),
          downloads: nullable(count, 'Recent downloads; null where this is unknown.'),
          likes: nullable(count, 'Likes; null where this is unknown.'),
          lastModified: nullable(v.string(), 'When it was last changed, ISO 8601.'),
          gated: field(v.boolean(), 'Whether its terms must be accepted before files can be downloaded.'),
          tags: field(v.array(v.string()), 'Its tags.'),
          gguf: nullable(
            v.object({
              architecture: optional(v.string(), 'The architecture.'),
              parameters: optional(count, 'The number of parameters.'),
              contextLength: optional(count, 'The context length it was trained with, in tokens.'),
            }),
            'Metadata of one of its GGUF files; null where the Hugging Face Hub provides none.',
          ),
          estimate: optional(
            estimate,
            'Extension: whether and how fast it would run in a quantization of about 4 bits (Q4_K_M); absent where its parameters are unknown.',
          ),
        }),
      ),
      'The repositories.',
    ),
    ...pagedResponse,
    ...hubWarning,
  }),
  errors: HUB_ERRORS,
});
