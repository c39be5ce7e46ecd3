import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess } from '../../support/host/host-process.ts';
import { payloadOf } from '../../support/host/payload-of.ts';

const MODEL = 'maker/story/story.gguf';

/**
 * Compute buffers of 128 GiB, which are not used until a prompt is evaluated, and a KV cache of 256 MiB: more than a
 * test machine has, and harmless on one that grants it.
 */
const ABSURD = { n_ctx: 1_048_576, n_batch: 65_536, n_threads: 1 };

let workshop: HostFixture;
let host: HostProcess;
beforeEach(async () => {
  workshop = await HostFixture.open();
  const folder = join(workshop.home, 'models', 'maker', 'story');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'story.gguf'), markovModel({ layers: 1 }));
  host = workshop.host({ env: { TABAGENT_GPU: 'off' } });
});
afterEach(() => workshop.close());

describe('a load that cannot fit', () => {
  it('is rejected with the sizes and with settings that fit, before a runner starts', async () => {
    const refused = await host.request('LOAD_MODEL', { modelPath: MODEL, settings: ABSURD });
    expect(refused).toMatchObject({ status: 'error', code: 'INSUFFICIENT_MEMORY' });
    const { needed, available, wouldFit } = refused.details;
    expect(needed.ram).toBeGreaterThan(128 * 1024 ** 3);
    expect(available.ram).toBeLessThan(needed.ram);
    expect([needed.vram, available.vram]).toEqual([0, 0]);
    const shorter = wouldFit.find((one: { cache_type_k?: string }) => one.cache_type_k === undefined);
    expect(shorter.n_ctx).toBeLessThan(ABSURD.n_ctx);
    const { note, ...proposed } = shorter;
    expect(note).toMatch(/a context of \d+ instead of 1048576 tokens/);
    // The longest proposed context could use most of the memory, so the test loads a shorter one.
    const settings = { ...ABSURD, ...proposed, n_ctx: Math.min(proposed.n_ctx, 1024) };
    expect(payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { modelPath: MODEL, settings })).contextSize).toBe(
      1024,
    );
  });

  it('is attempted with `force`', async () => {
    const tried = await host.request('LOAD_MODEL', { modelPath: MODEL, settings: { ...ABSURD, force: true } });
    // Whether llama.cpp succeeds depends on the machine. The test only checks that the load was attempted.
    if (tried.status === 'error') expect(['INSUFFICIENT_MEMORY', 'ENGINE_CRASHED']).toContain(tried.code);
    expect(tried.details?.wouldFit).toBeUndefined();
  });
});

describe('keepAlive', () => {
  it('unloads an idle model and notifies the client', async () => {
    const settings = { n_ctx: 256, n_threads: 1, n_gpu_layers: 0 };
    await host.request('LOAD_MODEL', { modelPath: MODEL, settings });
    const told = host.next(({ type }) => type === 'MODEL_UNLOADED');
    expect(await host.request('LOAD_MODEL', { modelPath: MODEL, keepAlive: 0 })).toMatchObject({
      message: 'Model already loaded',
    });
    expect(await told).toEqual({ type: 'MODEL_UNLOADED', payload: { modelId: MODEL, reason: 'idle' } });
    expect(payloadOf('GET_LOADED_MODELS', await host.request('GET_LOADED_MODELS')).models).toEqual([]);
  });
});

describe('a quantized KV cache', () => {
  it.each(['f32', 'bf16', 'q8_0', 'q5_1', 'q5_0', 'q4_1', 'q4_0'])('%s are used', async (type) => {
    const settings = { n_ctx: 256, n_threads: 1, n_gpu_layers: 0, cache_type_k: type, cache_type_v: type };
    payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { modelPath: MODEL, settings }));
    const { text } = await host.request('GENERATE', {
      prompt: 'once',
      settings: { max_new_tokens: 4, do_sample: false },
    });
    expect(text).toBe(' upon one time there');
  });
});
