import { describe, expect, it } from '@jest/globals';
import { type HostError, isHostError } from '../../../host/common/errors.ts';
import {
  type ModelNaming,
  readModelName,
  readModelOrRepoName,
  readModelQuery,
} from '../../../host/protocol/model-name.ts';

const ID = 'microsoft/Phi-3-mini-4k-instruct-gguf/Phi-3-mini-4k-instruct-q4.gguf';

function fault(run: () => unknown): HostError {
  try {
    run();
  } catch (error) {
    if (isHostError(error)) return error;
    throw error;
  }
  throw new Error('Nothing was thrown');
}

describe('readModelName', () => {
  it.each([
    { modelPath: 'microsoft/Phi-3-mini-4k-instruct-gguf', modelFile: 'Phi-3-mini-4k-instruct-q4.gguf' },
    { repoId: 'microsoft/Phi-3-mini-4k-instruct-gguf', fileName: 'Phi-3-mini-4k-instruct-q4.gguf' },
    { modelPath: ID },
    { modelId: ID },
    { model_id: ID },
    { model_name: ID },
    { model: ID },
    { modelPath: ID, modelFile: 'Phi-3-mini-4k-instruct-q4.gguf' },
  ])('accepts the spelling %j', (naming) => {
    expect(readModelName(naming)).toEqual({
      owner: 'microsoft',
      repo: 'Phi-3-mini-4k-instruct-gguf',
      repoId: 'microsoft/Phi-3-mini-4k-instruct-gguf',
      file: 'Phi-3-mini-4k-instruct-q4.gguf',
      revision: 'main',
      id: ID,
    });
  });

  it('keeps folders of the repository', () => {
    expect(readModelName({ modelPath: 'a/b/UD-Q4/m.gguf' }).file).toBe('UD-Q4/m.gguf');
  });

  it('names a split model by its first file', () => {
    expect(readModelName({ modelPath: 'a/b', modelFile: 'm-00002-of-00003.gguf' }).id).toBe(
      'a/b/m-00001-of-00003.gguf',
    );
  });

  it('includes a revision other than main in the ID, and parses it', () => {
    const { id } = readModelName({ modelPath: 'a/b', modelFile: 'm.gguf', revision: 'refs/pr/1' });
    expect(id).toBe('a/b@refs%2Fpr%2F1/m.gguf');
    expect(readModelName({ modelId: id })).toMatchObject({ repoId: 'a/b', revision: 'refs/pr/1', file: 'm.gguf', id });
  });

  it.each([
    ['..', 'm.gguf'],
    ['../..', 'm.gguf'],
    ['a/..', 'm.gguf'],
    ['a', 'm.gguf'],
    ['remote/engine', 'm.gguf'],
    ['/a/b', 'm.gguf'],
    ['a//m.gguf', undefined],
    ['.git/b', 'm.gguf'],
    ['a/b c', 'm.gguf'],
    ['a/b?x=1', 'm.gguf'],
    ['a/b#x', 'm.gguf'],
    ['a/b%2e%2e', 'm.gguf'],
    ['http://evil.example/a', 'm.gguf'],
    ['a/b@x@y', 'm.gguf'],
    ['con/b', 'm.gguf'],
    ['a/b', '../m.gguf'],
    ['a/b', 'x/../../m.gguf'],
    ['a/b', '/etc/passwd'],
    ['a/b', './m.gguf'],
    ['a/b', 'x//m.gguf'],
    ['a/b', 'x\\..\\m.gguf'],
    ['a/b', 'C:m.gguf'],
    ['a/b', 'm.gguf\u0000.txt'],
    ['a/b', 'm\n.gguf'],
    ['a/b', 'm.gguf.'],
    ['a/b', 'm.gguf '],
    ['a/b', 'nul.gguf'],
    ['a/b', 'con .gguf'],
    ['a/b', 'COM1  .Q4_0.gguf'],
    ['a/b', 'CONIN$'],
    ['a/b', 'conout$.gguf'],
    ['a/b', 'Clock$/model.gguf'],
    ['a/b', 'x/COM1'],
    ['a/b', '\ud800.gguf'],
    ['a/b', 'abc\u202Efugg.exe'],
    ['a/b', 'x'.repeat(300)],
  ])('rejects %j with file %j, so that paths stay inside the cache and the hub', (modelPath, modelFile) => {
    const error = fault(() => readModelName({ modelPath, modelFile }));
    expect(error.code).toBe('INVALID_REQUEST');
    expect(['modelPath', 'modelFile']).toContain(error.details?.field);
  });

  it.each(['../main', 'a..b', 'x/', '/x', 'x//y', 'a b', 'x?y', 'x.lock', ''])(
    'refuses the revision %j',
    (revision) => {
      expect(fault(() => readModelName({ modelPath: 'a/b', modelFile: 'm.gguf', revision })).details?.field).toBe(
        'revision',
      );
    },
  );

  it('reports the missing field', () => {
    expect(fault(() => readModelName({})).details?.field).toBe('modelPath');
    expect(fault(() => readModelName({ modelPath: 'a/b' })).details?.field).toBe('modelFile');
  });

  it('rejects two files in one request', () => {
    expect(fault(() => readModelName({ modelPath: 'a/b/m.gguf', modelFile: 'n.gguf' })).details?.field).toBe(
      'modelFile',
    );
  });
});

describe('readModelQuery', () => {
  const repo = { owner: 'a', repo: 'b', repoId: 'a/b', revision: 'main' };
  it('accepts a quantization after the repository, or in its own field', () => {
    expect(readModelQuery({ modelPath: 'a/b:Q4_K_M' })).toEqual({ ...repo, quantization: 'Q4_K_M' });
    expect(readModelQuery({ model: 'a/b@v1:UD-Q4_K_XL' })).toEqual({
      ...repo,
      revision: 'v1',
      quantization: 'UD-Q4_K_XL',
    });
    expect(readModelQuery({ repoId: 'a/b', quantization: 'Q8_0' })).toEqual({ ...repo, quantization: 'Q8_0' });
    expect(readModelQuery({ modelPath: 'a/b' })).toEqual(repo);
    expect(readModelQuery({ modelPath: 'a/b/m.gguf' })).toMatchObject({ id: 'a/b/m.gguf' });
  });

  it.each<[ModelNaming, string]>([
    [{ modelPath: 'a/b:' }, 'modelPath'],
    [{ modelPath: 'a/b:../c' }, 'modelPath'],
    [{ modelPath: 'a/b:Q4:Q5' }, 'modelPath'],
    [{ modelPath: 'a/b:Q4', quantization: 'Q5' }, 'quantization'],
    [{ modelPath: 'a/b', quantization: 'x'.repeat(100) }, 'quantization'],
    [{ modelPath: 'a/b', modelFile: 'm.gguf', quantization: 'Q4' }, 'quantization'],
    [{ modelPath: '../b:Q4' }, 'modelPath'],
  ])('rejects %j', (naming, field) => {
    const error = fault(() => readModelQuery(naming));
    expect([error.code, error.details?.field]).toEqual(['INVALID_REQUEST', field]);
  });
});

describe('readModelOrRepoName', () => {
  it('accepts a repository alone', () => {
    expect(readModelOrRepoName({ modelPath: 'a/b' })).toEqual({
      owner: 'a',
      repo: 'b',
      repoId: 'a/b',
      revision: 'main',
    });
  });
});
