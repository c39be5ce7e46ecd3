import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from '@jest/globals';
import { largeModel } from '../../support/gguf/large-model.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

const folder = tempFolder('threads');
afterAll(() => folder.remove());

const SCRIPT = fileURLToPath(new URL('../../support/engine/limit-llama.ts', import.meta.url));

async function run(file: string, threads: 'fixed' | 'limited', work: 'generate' | 'embed') {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME };
  const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, file, threads, work], { env });
  return JSON.parse(stdout) as { results: string[]; threads: number[] };
}

describe('the limit of threads', () => {
  it.each(['generate', 'embed'] as const)(
    'sets the threads that llama.cpp uses to %s, and changes nothing of the result',
    async (work) => {
      const file = join(folder.path, `${work}.gguf`);
      await largeModel(file, { megabytes: 8, seed: 3 });
      const fixed = await run(file, 'fixed', work);
      const limited = await run(file, 'limited', work);
      expect(fixed.threads).toEqual([1]);
      expect(limited.threads).toEqual([1, 2]);
      expect(fixed.results).toHaveLength(1);
      expect(limited.results).toEqual(fixed.results);
    },
    180_000,
  );
});
