import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { planLoad } from '../../../host/actions/plan-load.ts';
import { inspectModel } from '../../../host/gguf/inspect.ts';
import { demandOf } from '../../../host/hardware/demand.ts';
import { checkFit } from '../../../host/hardware/fit.ts';
import { MINIMUM_RESERVE } from '../../../host/hardware/memory-budget.ts';
import type { HardwareSnapshot } from '../../../host/hardware/types.ts';
import type { ModelChange, ModelRegistry } from '../../../host/models/model-registry.ts';
import type { Services } from '../../../host/services.ts';
import { loadRequest, TestModels } from '../../support/engine/test-models.ts';
import { ManualClock } from '../../support/extension/manual-clock.ts';
import { ENDLESS } from '../../support/gguf/chains.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';
import { RECORDED_CPUS } from '../../support/snapshots/cpus.ts';

const folder = tempFolder('keep-alive');
const file = join(folder.path, 'markov.gguf');
const hosts: TestModels[] = [];

/** Large enough that a generation does not finish while other models are loaded, even on a slow machine. */
const CONTEXT_SIZE = 65_536;

beforeAll(() => writeFileSync(file, markovModel({ chain: ENDLESS })));
afterEach(() => Promise.all(hosts.splice(0).map((host) => host.close())));
afterAll(() => folder.remove());

function started() {
  const clock = new ManualClock();
  const host = new TestModels({ clock });
  hosts.push(host);
  const { models } = host;
  const changes: ModelChange[] = [];
  models.onChange((change) => changes.push(change));
  const unloaded = () =>
    new Promise<ModelChange>((resolve) => {
      models.onChange((change) => {
        if (change.type === 'unloaded') resolve(change);
      });
    });
  const load = async (id: string, keepAliveMs?: number) =>
    host.load(await loadRequest(id, file, { contextSize: CONTEXT_SIZE }), { keepAliveMs });
  return { host, models, clock, changes, unloaded, load };
}

/** Starts an endless generation, and resolves when it has started. */
async function generating(models: ModelRegistry, id: string): Promise<{ stop(): Promise<unknown> }> {
  const begun = Promise.withResolvers<void>();
  const done = models.generate(
    id,
    {
      input: { prompt: '' },
      maxNewTokens: 100_000,
      stop: [],
      sampling: { temperature: 0, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, seed: 0 },
    },
    { onProgress: () => begun.resolve() },
  );
  await Promise.race([begun.promise, done]);
  return {
    stop() {
      models.stopGenerations({ id });
      return done;
    },
  };
}

/** Simulates a machine with this much main memory for models, in addition to the memory of the loaded ones. */
function memoryFor(
  bytes: number,
  { engine, models }: TestModels,
): Pick<Services, 'hardware' | 'engine' | 'models'> & { readonly taken: () => number } {
  const [recorded] = RECORDED_CPUS;
  if (recorded === undefined) throw new Error('No CPU is recorded');
  const { facts, microarchitecture, variant } = recorded;
  const taken = () => models.list().reduce((sum, { ramUsed }) => sum + ramUsed, 0);
  const snapshot = async (): Promise<HardwareSnapshot> => ({
    // On Windows, mapped pages do not count as available, so the numbers are those of the models.
    cpu: { ...facts, platform: 'win32', microarchitecture, variant },
    gpus: [],
    memory: { total: 1e12, available: MINIMUM_RESERVE.ram + bytes - taken() },
  });
  return {
    taken,
    engine: async () => engine,
    models: async () => models,
    hardware: async () =>
      ({ snapshot, invalidateVram: () => {} }) as unknown as Awaited<ReturnType<Services['hardware']>>,
  };
}

async function planned(id: string, services: ReturnType<typeof memoryFor>, contextSize = 256, hasDraft = false) {
  const { shape } = await inspectModel([file]);
  const draft = hasDraft ? { id: 'draft', files: [file], shape } : undefined;
  const request = { modelPath: id, settings: { n_ctx: contextSize } };
  return planLoad({ id, request, shape, adapters: [], draft }, services);
}

/** Returns the memory that the model requires, in bytes. */
async function needed(contextSize = 256): Promise<number> {
  const { shape } = await inspectModel([file]);
  const snapshot = { cpu: { platform: 'win32' }, gpus: [], memory: { total: 1e12, available: 1e12 } };
  return checkFit(demandOf(shape, { contextSize }), 0, snapshot as unknown as HardwareSnapshot).needed.ram;
}

describe('an idle model', () => {
  it('is unloaded after its keepAlive, with the reason', async () => {
    const { models, clock, unloaded, load } = started();
    await load('a/b/one.gguf', 60_000);
    await load('a/b/two.gguf');
    const gone = unloaded();
    clock.advance(60_000);
    expect(await gone).toEqual({ type: 'unloaded', id: 'a/b/one.gguf', activeId: 'a/b/two.gguf', reason: 'idle' });
    clock.advance(1e9);
    expect(models.list().map(({ id }) => id)).toEqual(['a/b/two.gguf']);
  });

  it('is not unloaded while it generates', async () => {
    const { models, clock, unloaded, load } = started();
    await load('a/b/one.gguf', 60_000);
    const endless = await generating(models, 'a/b/one.gguf');
    clock.advance(60_000);
    expect(models.get('a/b/one.gguf')).toBeDefined();
    await endless.stop();
    const gone = unloaded();
    clock.advance(60_000);
    expect(await gone).toMatchObject({ reason: 'idle' });
  });
});

describe('a load that does not fit together with others', () => {
  it('unloads the least recently used models, and no more than necessary', async () => {
    const { host, models, clock, changes, load } = started();
    await load('a/b/one.gguf');
    clock.advance(1);
    await load('a/b/two.gguf');
    clock.advance(1);
    await load('a/b/three.gguf');
    clock.advance(1);
    models.setActive('a/b/one.gguf');
    const machine = memoryFor(0, host);
    const parts = memoryFor(machine.taken() + (await needed()) - 1, host);
    await planned('a/b/four.gguf', parts);
    // `one` is the least recently used, but active.
    expect(models.list().map(({ id }) => id)).toEqual(['a/b/one.gguf', 'a/b/three.gguf']);
    expect(changes.at(-1)).toMatchObject({ type: 'unloaded', id: 'a/b/two.gguf', reason: 'room' });
  });

  it('unloads the active model only if unloading others is not enough', async () => {
    const { host, models, load } = started();
    await load('a/b/one.gguf');
    await planned('a/b/two.gguf', memoryFor(memoryFor(0, host).taken() + (await needed()) - 1, host));
    expect(models.list()).toEqual([]);
  });

  it('never unloads a model that is generating, even if it is the least recently used', async () => {
    const { host, models, clock, load } = started();
    await load('a/b/one.gguf');
    const endless = await generating(models, 'a/b/one.gguf');
    clock.advance(1);
    await load('a/b/two.gguf');
    await planned('a/b/three.gguf', memoryFor(memoryFor(0, host).taken() + (await needed()) - 1, host));
    expect(models.list().map(({ id }) => id)).toEqual(['a/b/one.gguf']);
    await expect(planned('a/b/three.gguf', memoryFor(memoryFor(0, host).taken() + 1, host))).rejects.toMatchObject({
      code: 'INSUFFICIENT_MEMORY',
    });
    await endless.stop();
  });

  it('unloads nothing if unloading everything would not be enough', async () => {
    const { host, models, load } = started();
    await load('a/b/one.gguf');
    const room = (await needed(8192)) - 1;
    await expect(planned('a/b/two.gguf', memoryFor(room, host), 8192)).rejects.toMatchObject({
      code: 'INSUFFICIENT_MEMORY',
      details: { needed: { ram: room + 1, vram: 0 }, available: { ram: room, vram: 0 } },
    });
    expect(models.list()).toHaveLength(1);
  });

  it('needs memory for its draft model as well', async () => {
    const { host } = started();
    const both = 2 * (await needed());
    await expect(planned('a/b/one.gguf', memoryFor(both - 1, host), 256, true)).rejects.toMatchObject({
      code: 'INSUFFICIENT_MEMORY',
      message: expect.stringMatching(/is available beside its draft model\./),
    });
    const { draft } = await planned('a/b/one.gguf', memoryFor(both, host), 256, true);
    expect(draft).toEqual({ id: 'draft', file, gpuLayers: 0 });
  });

  it('keeps the others loaded if all fit', async () => {
    const { host, models, load } = started();
    await load('a/b/one.gguf');
    await planned('a/b/two.gguf', memoryFor(memoryFor(0, host).taken() + (await needed()), host));
    expect(models.list()).toHaveLength(1);
  });
});
