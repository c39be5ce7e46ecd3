import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ARCHITECTURES } from '../../../host/gguf/architectures.ts';
import { TENSOR_TYPES } from '../../../host/gguf/tensor-types.ts';
import { QUERY_LLAMA } from '../../support/engine/test-models.ts';
import { markovModel, STORY_GREEDY } from '../../support/gguf/markov-model.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

const folder = tempFolder('library');
afterAll(() => folder.remove());

interface Answer {
  readonly architectures: string[];
  readonly types: [id: number, elements: number, bytes: number][];
  readonly completions: Record<string, string>;
}

describe('the llama.cpp that comes with node-llama-cpp', () => {
  let answer: Answer;

  beforeAll(async () => {
    const file = join(folder.path, 'markov.gguf');
    writeFileSync(file, markovModel());
    const env = { PATH: process.env.PATH, HOME: process.env.HOME };
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [QUERY_LLAMA, file, 'once upon', 'time there', 'one small'],
      {
        env,
      },
    );
    answer = JSON.parse(stdout) as Answer;
  });

  it('supports the architectures that the preflight accepts, and no others except vision projectors', () => {
    const known = answer.architectures.filter((name) => name !== '(unknown)' && name !== 'clip');
    expect([...ARCHITECTURES].sort()).toEqual(known.sort());
  });

  it('has the block sizes of tensor types that the preflight assumes', () => {
    const ours = [...TENSOR_TYPES.values()].map(({ id, blockElements, blockBytes }) => [id, blockElements, blockBytes]);
    expect(ours).toEqual(answer.types);
  });

  it('continues a generated model as its Markov chain predicts', () => {
    expect(`once upon ${answer.completions['once upon']}`).toBe(STORY_GREEDY);
    expect(answer.completions['time there']).toBe('was a small model .');
    expect(answer.completions['one small']).toBe('model .');
  });
});
