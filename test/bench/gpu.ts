import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectModel } from '../../host/gguf/inspect.ts';
import { demandOf, memoryFor } from '../../host/hardware/demand.ts';
import { writeModelKind } from '../support/gguf/model-kinds.ts';
import { HostProcess, type Message } from '../support/host/host-process.ts';
import type { BenchResult } from './result.ts';

const MiB = 1024 * 1024;
const LAYERS = 180;
const CONTEXT = 4096;
const MODEL = { modelPath: 'bench/model', modelFile: 'made.gguf' };

/** Names of software and virtual GPUs, whose speed is not representative. */
const VIRTUAL_GPU = /llvmpipe|swiftshader|lavapipe|microsoft basic render|virtio/i;

/**
 * Loads a model of 1 GiB with none, a quarter, half, three quarters and all of its layers on the GPU. Compares the
 * estimated GPU memory with the measured one, and the speed of the recommended split with that of the fastest. Does
 * nothing without a real GPU. `TABAGENT_HOST` can name a packaged host to use.
 */
export async function run(): Promise<BenchResult[]> {
  const home = await mkdtemp(join(tmpdir(), 'tabagent-bench-'));
  const packaged = process.env.TABAGENT_HOST;
  const host = new HostProcess({
    home,
    env: { PATH: process.env.PATH, LD_LIBRARY_PATH: process.env.LD_LIBRARY_PATH },
    ...(packaged === undefined ? {} : { command: [packaged] as const }),
  });
  try {
    const gpu = (await host.request('GET_SYSTEM_RESOURCES')).payload.gpu;
    if (gpu === null || VIRTUAL_GPU.test(gpu.name)) {
      console.log(`Skipping gpu: llama.cpp finds no real GPU (found: ${gpu?.name ?? 'none'})`);
      return [];
    }
    const folder = join(home, 'models', MODEL.modelPath);
    await mkdir(folder, { recursive: true });
    const file = join(folder, MODEL.modelFile);
    await writeModelKind(file, 'dense', { layers: LAYERS });
    const { shape } = await inspectModel([file]);
    const { payload: split } = await host.request('RECOMMEND_SPLIT', { ...MODEL, n_ctx: CONTEXT });
    const results: BenchResult[] = [];
    const speeds = new Map<number, number>();
    for (const layers of new Set([0, LAYERS / 4, LAYERS / 2, (3 * LAYERS) / 4, LAYERS, split.gpu_layers as number])) {
      const { vramUsed, speed } = await measure(host, layers);
      speeds.set(layers, speed);
      const { vram } = memoryFor(demandOf(shape, { contextSize: CONTEXT, sequences: 1 }), layers, 1);
      if (layers > 0) results.push(memoryResult(`${layers} of ${LAYERS} layers on ${gpu.name}`, vram, vramUsed, speed));
    }
    const best = Math.max(...speeds.values());
    const ratio = (speeds.get(split.gpu_layers) ?? 0) / best;
    results.push({
      name: 'tokens per second with the recommended split / with the fastest',
      ratio,
      goal: 'at least 0.95',
      ok: ratio >= 0.95,
      detail: [...speeds].map(([layers, speed]) => `${layers}: ${speed.toFixed(1)}`).join(', '),
    });
    return results;
  } finally {
    await host.close();
    await rm(home, { recursive: true });
  }
}

async function measure(host: HostProcess, layers: number): Promise<{ vramUsed: number; speed: number }> {
  const settings = { n_gpu_layers: layers, n_ctx: CONTEXT, n_parallel: 1 };
  const load: Message = await host.request('LOAD_MODEL', { ...MODEL, settings });
  if (load.status !== 'success') throw new Error(`The request failed: ${load.message}`);
  const generation = {
    prompt: 'w1 w2',
    settings: { max_new_tokens: 64, temperature: 1, seed: 1, top_k: 0, top_p: 1, min_p: 0 },
  };
  // The first generation also compiles GPU kernels.
  await host.request('GENERATE', generation);
  const { payload } = await host.request('GENERATE', generation);
  return { vramUsed: load.payload.vramUsed, speed: payload.usage.tokensPerSecond };
}

function memoryResult(name: string, estimate: number, measured: number, speed: number): BenchResult {
  const ratio = estimate / measured;
  return {
    name: `${name}: estimated / measured GPU memory`,
    ratio,
    goal: '0.9 to 1.1',
    ok: Math.abs(ratio - 1) <= 0.1,
    detail: `${(estimate / MiB).toFixed(0)} MiB vs. ${(measured / MiB).toFixed(0)} MiB, ${speed.toFixed(1)} tokens per second`,
  };
}
