import { describe, expect, it } from '@jest/globals';
import type { ExternalModel } from '../../../host/external/external-model.ts';
import type { FileHashCache } from '../../../host/external/file-hash-cache.ts';
import { arrangeListing, type ListedExternalModel } from '../../../host/external/listing.ts';
import { readModelName } from '../../../host/protocol/model-name.ts';

const CLAIMED = readModelName({ modelPath: 'maker/model/m.gguf' });
const CLASSIFICATION: ListedExternalModel['classification'] = {
  kind: 'model',
  architecture: 'llama',
  quantization: 'F32',
  modelType: 'gguf',
};
const NO_HASH_CACHE = { sha256: () => undefined } as unknown as FileHashCache;

const held = (source: ExternalModel['source']): ExternalModel => ({
  source,
  name: readModelName({ modelPath: `local/${source}/m.gguf` }),
  claimed: CLAIMED,
  title: 'm',
  files: [{ path: `/${source}/m.gguf`, size: 1, mtimeMs: 0, inode: 1, sha256: 'a' }],
});

describe('two programs that claim the same hub model', () => {
  it.each(['first', 'last'])('the first one found gets its id, even if it was classified %s', (which) => {
    const models = [held('huggingface'), held('llama.cpp')];
    const lookedInto = which === 'first' ? models : models.toReversed();
    const classifications = new Map(lookedInto.map((model) => [model, CLASSIFICATION]));
    const listing = arrangeListing({ external: models, classifications, matched: new Map(), hashCache: NO_HASH_CACHE });
    expect(listing.models.map(({ offered, source }) => [offered.id, source])).toEqual([
      ['local/llama.cpp/m.gguf', 'llama.cpp'],
      ['maker/model/m.gguf', 'huggingface'],
    ]);
  });
});
