import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { hostileModels } from '../../support/gguf/hostile-model.ts';
import { Seeded } from '../../support/gguf/seeded.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { HostileRun } from '../../support/host/hostile-run.ts';

/** Number of files. `npm run bench -- fuzz` tests a thousand. */
const FILES = 48;

let workshop: HostFixture;
beforeEach(async () => {
  workshop = await HostFixture.open();
});
afterEach(() => workshop.close());

function realModels(): Buffer[] {
  const file = join(process.env.TABAGENT_TEST_MODELS ?? '', 'stories260K.gguf');
  return existsSync(file) ? [readFileSync(file)] : [];
}

describe('a host with hostile models', () => {
  const SEED = 20_261_124;

  it(`loads each or replies with a typed error, and continues (seed ${SEED})`, async () => {
    const hostile = await hostileModels(new Seeded(SEED), realModels());
    const host = workshop.host();
    const trial = await HostileRun.open(host, workshop.home);
    const loads = new Set<string>();
    for (let i = 0; i < FILES; i += 1) {
      const outcome = await trial.try(hostile.next());
      expect(['loaded', 'MODEL_REJECTED', 'ENGINE_CRASHED', 'INSUFFICIENT_MEMORY']).toContain(outcome.load);
      expect([
        undefined,
        'generated',
        'CHAT_TEMPLATE_FAILED',
        'CONTEXT_OVERFLOW',
        'GENERATION_FAILED',
        'ENGINE_CRASHED',
      ]).toContain(outcome.generate);
      loads.add(outcome.load);
    }
    // Ensures that some files were rejected and others loaded.
    expect(loads).toContain('loaded');
    expect(loads).toContain('MODEL_REJECTED');
    const after = await trial.try({ bytes: hostile.good, how: 'nothing' });
    expect(after).toMatchObject({ load: 'loaded', generate: 'generated' });
    expect((await host.request('GET_LOADED_MODELS')).payload.models).toEqual([]);
  }, 180_000);
});
