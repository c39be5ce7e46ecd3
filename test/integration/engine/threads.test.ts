import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from '@jest/globals';
import { largeModel } from '../../support/gguf/large-model.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

const folder = tempFolder('threads');
afterAll(() => folder.remove());

const SCRIPT = fileURLToPath(new URL('../../support/engine/steer-llama.ts', import.meta.url));

const run = promisify(execFile);

async function evaluated(file: string, how: 'fixed' | 'steered'): Promise<{ tokens: number[]; threads: number[] }> {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME };
  const { stdout } = await run(process.execPath, [SCRIPT, file, how, '250'], { env });
  return JSON.parse(stdout);
}

describe('threads that are steered', () => {
  it('are really those of llama.cpp, and change nothing of what a model says', async () => {
    const file = join(folder.path, 'large.gguf');
    // Large enough that a token takes its time: then another number is tried within some tokens.
    await largeModel(file, { megabytes: 40, seed: 3 });
    const fixed = await evaluated(file, 'fixed');
    const steered = await evaluated(file, 'steered');
    expect(fixed.threads).toEqual([1]);
    expect(steered.threads.toSorted()).toEqual([1, 2]);
    expect(steered.tokens).toEqual(fixed.tokens);
  });

  it('are those of a context that embeds too, and change nothing of its vectors', async () => {
    const file = join(folder.path, 'small.gguf');
    await largeModel(file, { megabytes: 20, seed: 3 });
    const env = { PATH: process.env.PATH, HOME: process.env.HOME };
    const { stdout } = await run(process.execPath, [SCRIPT, file, 'embedding', '6'], { env });
    expect(JSON.parse(stdout)).toEqual({ vectors: 1, threads: [1, 2] });
  });
});
