import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { isHostError } from '../../../host/common/errors.ts';
import { readGgufHeader } from '../../../host/gguf/inspect.ts';
import { loadRequest, TestModels } from '../../support/engine/test-models.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { memorySource } from '../../support/gguf/memory-source.ts';
import { mutate } from '../../support/gguf/mutate.ts';
import { Seeded } from '../../support/gguf/seeded.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

const folder = tempFolder('hostile');
afterAll(() => folder.remove());

/** Number of files. The preflight rejects about two thirds; each of the others requires a process. */
const FILES = 40;

describe('hostile files', () => {
  const SEED = 20_261_123;

  it(`load or fail with a typed error, and the engine keeps working (seed ${SEED})`, async () => {
    const random = new Seeded(SEED);
    const good = markovModel({ layers: 1 });
    const { dataOffset } = await readGgufHeader(memorySource(good));
    const host = new TestModels({ loadTimeoutMs: 20_000 });
    const file = join(folder.path, 'mutant.gguf');
    const outcomes: string[] = [];
    try {
      for (let i = 0; i < FILES; i++) {
        const { bytes, how } = mutate(good, dataOffset, random);
        writeFileSync(file, bytes);
        const outcome = await loadRequest('mutant', file)
          .then((order) => {
            host.engine.warm();
            return host.load(order);
          })
          .then(
            async () => {
              await host.models.unload('mutant');
              return 'loaded';
            },
            (error: unknown) => (isHostError(error) ? error.code : error),
          );
        outcomes.push(`${i} ${how}: ${outcome}`);
        expect(['loaded', 'MODEL_REJECTED', 'ENGINE_CRASHED', 'INSUFFICIENT_MEMORY']).toContain(outcome);
        expect(host.models.isLoading('mutant')).toBe(false);
      }
      writeFileSync(file, good);
      const { model } = await host.load(await loadRequest('good', file));
      expect(model.id).toBe('good');
      // Ensures that some files were rejected and others loaded.
      expect(outcomes.some((outcome) => outcome.endsWith('MODEL_REJECTED'))).toBe(true);
      expect(outcomes.some((outcome) => outcome.endsWith('loaded'))).toBe(true);
    } finally {
      await host.close();
    }
  }, 180_000);
});
