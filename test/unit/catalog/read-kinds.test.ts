import { describe, expect, it } from '@jest/globals';
import { withReadKinds } from '../../../host/catalog/read-kinds.ts';
import { repoModels } from '../../../host/catalog/repo-models.ts';
import type { FileKind } from '../../../host/protocol/file-kinds.ts';

const REPO = { owner: 'maker', repo: 'many', repoId: 'maker/many', revision: 'main' };

/** Returns the kinds after the headers of `files` were read, and which files those were. */
async function kindsWith(files: Readonly<Record<string, number>>, headers: Readonly<Record<string, FileKind>>) {
  const named = await repoModels(
    REPO,
    Object.entries(files).map(([file, size]) => ({ file, size })),
  );
  const read: string[] = [];
  const models = await withReadKinds(named, async (some) => {
    read.push(...some.map(({ name }) => name.file));
    return some.map(({ name }) => ({ kind: headers[name.file] }));
  });
  return { kinds: Object.fromEntries(models.map(({ name, kind }) => [name.file, kind])), read };
}

describe('withReadKinds', () => {
  it('reads the smallest file of those that differ only in their quantization', async () => {
    const { kinds, read } = await kindsWith(
      { 'm-Q4_K_M.gguf': 4, 'm-Q8_0.gguf': 8, 'UD-Q2_K_XL/m-UD-Q2_K_XL-00001-of-00001.gguf': 2 },
      { 'UD-Q2_K_XL/m-UD-Q2_K_XL-00001-of-00001.gguf': 'adapter' },
    );
    expect(read).toEqual(['UD-Q2_K_XL/m-UD-Q2_K_XL-00001-of-00001.gguf']);
    expect(new Set(Object.values(kinds))).toEqual(new Set(['adapter']));
  });

  it('trusts the header rather than the name, except that a draft has the header of a model', async () => {
    const { kinds } = await kindsWith(
      { 'innocent-Q8_0.gguf': 1, 'm-lora-Q8_0.gguf': 9, 'draft/m-Q8_0.gguf': 2, 'mmproj-F16.gguf': 3 },
      { 'innocent-Q8_0.gguf': 'adapter', 'm-lora-Q8_0.gguf': 'model', 'draft/m-Q8_0.gguf': 'model' },
    );
    expect(kinds).toEqual({
      'innocent-Q8_0.gguf': 'adapter',
      'm-lora-Q8_0.gguf': 'model',
      'draft/m-Q8_0.gguf': 'draft',
      'mmproj-F16.gguf': 'projector',
    });
  });

  it('reads a limited number of headers, whatever the listing contains', async () => {
    const files = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`m${i}x.gguf`, i]));
    expect((await kindsWith(files, {})).read).toHaveLength(8);
  });
});
