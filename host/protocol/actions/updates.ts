import * as v from 'valibot';
import { defineAction } from '../define.ts';
import { CACHE_ERRORS, HUB_ERRORS } from '../errors.ts';
import {
  bytes,
  field,
  modelId,
  modelReference,
  nullable,
  optional,
  pagedResponse,
  paging,
  unixSeconds,
} from '../fields.ts';

export const checkUpdates = defineAction({
  name: 'CHECK_UPDATES',
  summary:
    'Compares downloaded models with the Hugging Face Hub and reports which have newer files there. Afterwards, `GET_DOWNLOADED_MODELS` marks those; `DOWNLOAD_MODEL` with `update` downloads them.',
  request: { ...modelReference, ...paging },
  response: v.object({
    models: field(
      v.array(
        v.object({
          modelId,
          state: field(
            v.picklist(['current', 'newer', 'gone', 'unknown']),
            '`gone`: the Hugging Face Hub no longer has the file. `unknown`: there is no record of what was downloaded, or the Hugging Face Hub denies access.',
          ),
          size: field(bytes, 'The size of all files on the disk.'),
          newSize: nullable(bytes, 'The size of the newer files; null if there are none.'),
          commit: nullable(v.string(), 'The commit of the newer files; null if there are none, or if it is unknown.'),
          changedAt: nullable(
            unixSeconds,
            'When the newer files were committed; null if there are none, or if the Hugging Face Hub does not say.',
          ),
          reason: optional(v.string(), 'Why the state is `gone` or `unknown`.'),
        }),
      ),
      'The models that were compared: all downloaded ones, or those that the request names.',
    ),
    ...pagedResponse,
  }),
  errors: ['MODEL_NOT_DOWNLOADED', ...HUB_ERRORS, ...CACHE_ERRORS],
});
