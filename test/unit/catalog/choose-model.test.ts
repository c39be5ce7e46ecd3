import { describe, expect, it } from '@jest/globals';
import {
  chooseModel,
  matchQuantization,
  modelOfQuantization,
  requestedModel,
} from '../../../host/catalog/choose-model.ts';
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
  it('combines the parts of a model, and reports a missing one', async () => {
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
      'm-imatrix.gguf': 'imatrix',
      'a/m-Q8_0.gguf': 'model',
      'ommprojx.gguf': 'model',
    });
  });

  it.each([
    ['mtp-m.gguf', 'draft'],
    ['MTP/m-Q4_K_M.gguf', 'draft'],
    ['draft/m-Q4_K_M.gguf', 'draft'],
    ['m-draft-Q8_0.gguf', 'draft'],
    ['m-lora-F16.gguf', 'adapter'],
    ['lora/adapter-f16.gguf', 'adapter'],
    ['mmproj/m.gguf', 'projector'],
    ['ggml-vocab-llama.gguf', 'vocabulary'],
    ['m-Q8_0.gguf.part1of2', 'part'],
    ['m-Q8_0-part2of2.gguf', 'part'],
    ['m-Q8_0.gguf-split-a', 'part'],
    ['WavTokenizer-Large-75-F16.gguf', 'other'],
    ['Eagle-7B-Q4_K_M.gguf', 'model'],
    ['m-MTP-Q4_K_M.gguf', 'model'],
    ['Adapted-Q4_K_M.gguf', 'model'],
  ])('classifies %s as a %s', async (file, kind) => {
    expect(await models({ [file]: 1 })).toMatchObject([{ kind }]);
  });

  it('classifies a small MTP file with the name of another model as an addition to it', async () => {
    const kinds = await models({ 'm-MTP-Q4_K_M.gguf': 1, 'm-Q4_K_M.gguf': 9 });
    expect(kinds.map(({ kind }) => kind)).toEqual(['draft', 'model']);
  });

  it('has no size if the hub does not report the size of a part', async () => {
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

  it('chooses the largest if there is none with four bits', async () => {
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

  it.each([
    ['latest', 'm-Q4_K_M.gguf'],
    ['Q8', 'm-Q8_0.gguf'],
    ['fp16', 'm-F16.gguf'],
    ['q2', 'm-Q2_K.gguf'],
  ])('resolves :%s to %s', async (quantization, file) => {
    const query = { ...REPO, quantization };
    expect(requestedModel(await models(SIZES), query, upTo(100 * GB)).name.file).toBe(file);
  });

  it.each([
    ['Q4_K_XL', ['m-UD-Q4_K_XL.gguf', 'm-Q4_K_M.gguf'], ['m-UD-Q4_K_XL.gguf']],
    ['Q4_K_M', ['m-UD-Q4_K_M.gguf', 'm-Q4_K_M.gguf'], ['m-Q4_K_M.gguf']],
    ['Q4_K_M', ['m-Q4_K_M.gguf', 'm-q4_k_m-fixed.gguf'], ['m-Q4_K_M.gguf']],
    ['Q4_K_M', ['old/m-Q4_K_M.gguf', 'm-Q4_K_M.gguf'], ['m-Q4_K_M.gguf']],
    ['Q4_0', ['m-Q4_0.gguf', 'm-Q4_0_4_4.gguf', 'm-Q4_0_8_8.gguf'], ['m-Q4_0.gguf']],
    ['Q4_0_4_4', ['m-Q4_0.gguf', 'm-Q4_0_4_4.gguf'], ['m-Q4_0_4_4.gguf']],
    ['MXFP4', ['g-MXFP4_MOE.gguf', 'g-BF16.gguf'], ['g-MXFP4_MOE.gguf']],
    ['Compact', ['S-I-Compact.gguf', 'S-Compact.gguf', 'x/S-Compact-2.gguf'], ['S-Compact.gguf']],
    ['I-Compact', ['S-I-Compact.gguf', 'S-Compact.gguf'], ['S-I-Compact.gguf']],
    ['Q4', ['m-Q4_K_M.gguf', 'm-Q4_0.gguf', 'm-Q8_0.gguf'], ['m-Q4_0.gguf', 'm-Q4_K_M.gguf']],
    ['Q5_K_M', ['m-Q4_K_M.gguf'], []],
  ])('%s of %j matches %j', async (quantization, files, expected) => {
    const all = await models(Object.fromEntries(files.map((file) => [file, 1])));
    expect(matchQuantization(all, quantization).map(({ name }) => name.file)).toEqual(expected);
  });

  it('reports what the repository contains instead of models', async () => {
    const adapters = await models({ 'lora/a-f16.gguf': 1 });
    expect(() => chooseModel(adapters, 'maker/many', upTo(1))).toThrow(/lora\/a-f16\.gguf is a LoRA adapter/);
  });

  it('lists the available models if none or several match', async () => {
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
