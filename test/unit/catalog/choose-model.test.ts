import { describe, expect, it } from '@jest/globals';
import { chooseModel, modelOfQuantization } from '../../../host/catalog/choose-model.ts';
import { type RepoModel, repoModels } from '../../../host/catalog/repo-models.ts';
import type { RepoName } from '../../../host/protocol/model-name.ts';

const REPO: RepoName = { owner: 'maker', repo: 'many', repoId: 'maker/many', revision: 'main' };
const GB = 1e9;

function models(files: Readonly<Record<string, number | undefined>>): Promise<RepoModel[]> {
  return repoModels(
    REPO,
    Object.entries(files).map(([file, size]) => ({ file, size })),
  );
}

const SIZES = { 'm-Q2_K.gguf': 3 * GB, 'm-Q4_K_M.gguf': 5 * GB, 'm-Q8_0.gguf': 9 * GB, 'm-F16.gguf': 16 * GB };
const upTo = (most: number) => (size: number) => size <= most;

describe('repoModels', () => {
  it('combines the parts of a model, and says if one is missing', async () => {
    expect(
      await models({
        'big-Q4_0-00001-of-00003.gguf': 10,
        'big-Q4_0-00002-of-00003.gguf': 20,
        'big-Q4_0-00003-of-00003.gguf': 5,
        'half-Q4_0-00002-of-00002.gguf': 7,
        'README.md': 1,
      }),
    ).toMatchObject([
      {
        name: { id: 'maker/many/big-Q4_0-00001-of-00003.gguf' },
        size: 35,
        parts: 3,
        complete: true,
        quantization: 'Q4_0',
      },
      { name: { file: 'half-Q4_0-00001-of-00002.gguf' }, size: 7, parts: 2, complete: false },
    ]);
  });

  it('distinguishes projectors and other files from models', async () => {
    const kinds = await models({
      'mmproj-m-F16.gguf': 1,
      'm.mmproj.gguf': 1,
      'm-imatrix.gguf': 1,
      'a/m-Q8_0.gguf': 1,
      'ommprojx.gguf': 1,
    });
    expect(Object.fromEntries(kinds.map(({ name, kind }) => [name.file, kind]))).toEqual({
      'mmproj-m-F16.gguf': 'projector',
      'm.mmproj.gguf': 'projector',
      'm-imatrix.gguf': 'other',
      'a/m-Q8_0.gguf': 'model',
      'ommprojx.gguf': 'model',
    });
  });

  it('has no size if the hub does not report that of a part', async () => {
    expect(await models({ 'b-00001-of-00002.gguf': 1, 'b-00002-of-00002.gguf': undefined })).toMatchObject([
      { size: undefined },
    ]);
  });
});

describe('chooseModel', () => {
  it.each([
    [100 * GB, 'm-Q4_K_M.gguf'],
    [5 * GB, 'm-Q4_K_M.gguf'],
    [4 * GB, 'm-Q2_K.gguf'],
  ])('with %d bytes free chooses %s', async (free, file) => {
    expect(chooseModel(await models(SIZES), 'maker/many', upTo(free)).name.file).toBe(file);
  });

  it('starts with the largest if there is none with four bits', async () => {
    const { 'm-Q4_K_M.gguf': _, ...others } = SIZES;
    expect(chooseModel(await models(others), 'maker/many', upTo(10 * GB)).name.file).toBe('m-Q8_0.gguf');
  });

  it('chooses the only model without checking whether it fits, and ignores projectors and incomplete ones', async () => {
    const only = await models({ 'm-F16.gguf': 16 * GB, 'mmproj-F16.gguf': 1, 'x-Q4_K_M-00001-of-00002.gguf': 1 });
    expect(chooseModel(only, 'maker/many', () => false).name.file).toBe('m-F16.gguf');
  });

  it('fails if there is no model, none fits, or the choice is ambiguous', async () => {
    const sizes = await models(SIZES);
    expect(() => chooseModel([], 'maker/many', upTo(1))).toThrow(expect.objectContaining({ code: 'FILE_NOT_FOUND' }));
    expect(() => chooseModel(sizes, 'maker/many', upTo(1))).toThrow(
      expect.objectContaining({ code: 'INSUFFICIENT_MEMORY' }),
    );
    const twins = await models({ 'a-Q4_K_M.gguf': 1, 'b-Q4_K_M.gguf': 1 });
    expect(() => chooseModel(twins, 'maker/many', upTo(1))).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST' }),
    );
  });
});

describe('modelOfQuantization', () => {
  it('finds a quantization in any case', async () => {
    expect(modelOfQuantization(await models(SIZES), 'maker/many', 'q8_0').name.file).toBe('m-Q8_0.gguf');
  });

  it('lists what is available if there is none or several', async () => {
    const sizes = await models(SIZES);
    expect(() => modelOfQuantization(sizes, 'maker/many', 'Q5_K_M')).toThrow(
      expect.objectContaining({ code: 'FILE_NOT_FOUND', message: expect.stringContaining('Q2_K') }),
    );
    const twins = await models({ 'a-Q4_K_M.gguf': 1, 'b-Q4_K_M.gguf': 1 });
    expect(() => modelOfQuantization(twins, 'maker/many', 'Q4_K_M')).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', message: expect.stringContaining('b-Q4_K_M.gguf') }),
    );
  });
});
