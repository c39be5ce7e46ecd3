import * as v from 'valibot';
import { defineAction } from '../define.ts';
import { CACHE_ERRORS } from '../errors.ts';
import { bytes, count, field, modelId, nullable, pagedResponse, paging, path } from '../fields.ts';
import { MODEL_SOURCES } from '../model-sources.ts';
import { baseModel, downloadedModel } from './catalog.ts';

const source = field(v.picklist(MODEL_SOURCES), 'The program, folder or import it comes from.');

export const scanLocalModels = defineAction({
  name: 'SCAN_LOCAL_MODELS',
  summary: 'Lists GGUF files that belong to other programs or are in folders the user configured.',
  request: paging,
  response: v.object({
    models: field(
      v.array(
        v.object({
          modelId,
          id: field(v.string(), 'Alias of `modelId`.'),
          name: field(v.string(), 'The name its program uses.'),
          source,
          kind: field(
            v.picklist(['model', 'projector', 'adapter']),
            'A projector, or a LoRA adapter, belongs to a model and cannot be loaded alone.',
          ),
          baseModel,
          path: field(v.string(), 'The absolute path of its first file.'),
          files: field(count, 'The number of files.'),
          size: field(bytes, 'The size of all files.'),
          architecture: field(v.string(), 'Its architecture, such as `llama`.'),
          quantization: nullable(v.string(), 'Its quantization; null where it is unknown.'),
          sha256: nullable(
            v.string(),
            'The SHA-256 of its first file, as recorded by its program; null if it records none.',
          ),
          verified: field(v.boolean(), 'Whether all files were read and match the recorded checksums.'),
        }),
      ),
      'The models.',
    ),
    folders: field(
      v.array(v.object({ source, folder: field(v.string(), 'The folder.') })),
      'The existing folders that were searched.',
    ),
    rejected: field(
      v.array(
        v.object({
          source,
          path: field(v.string(), 'The file.'),
          reason: field(v.string(), 'Why it cannot be loaded.'),
        }),
      ),
      'Files that are named like models but cannot be loaded.',
    ),
    gone: field(
      v.array(
        v.object({
          modelId,
          id: field(v.string(), 'Alias of `modelId`.'),
          source,
          path: field(v.string(), 'Where its file was.'),
        }),
      ),
      'Models that were found earlier and no longer exist or have changed.',
    ),
    problems: field(
      v.array(v.string()),
      'Problems with the folders in `config.json`, and what was not read and why: broken links, links to other folders, missing files, folders without permission, folders that are nested too deeply.',
    ),
    complete: field(v.boolean(), 'False if the disks were too slow, or the folders too large, to see everything.'),
    ...pagedResponse,
  }),
  errors: CACHE_ERRORS,
});

export const importModel = defineAction({
  name: 'IMPORT_MODEL',
  summary: "Registers one of the user's own model files in place, without copying it. Command line only.",
  localOnly: true,
  request: {
    path: field(path, 'The absolute path of the file; of a model split into several files, any of them.'),
  },
  response: v.object({ model: field(downloadedModel, 'The entry as it is listed.') }),
  errors: ['FILE_NOT_FOUND', 'MODEL_REJECTED', ...CACHE_ERRORS],
});
