import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectModel } from '../../host/gguf/inspect.ts';
import type { CacheType } from '../../host/hardware/cache-types.ts';
import { demandOf, memoryFor } from '../../host/hardware/demand.ts';
import { largeModel } from '../support/gguf/large-model.ts';
import { markovModel } from '../support/gguf/markov-model.ts';
import { HostProcess } from '../support/host/host-process.ts';
import type { BenchResult } from './result.ts';

const MiB = 1024 * 1024;

/** Allowed deviation of an estimate. */
const TOLERANCE = 0.1;

/** Normal variation of a process's memory, in bytes. */
const NOISE = 2 * MiB;

/** One load. */
interface Case {
  readonly name: string;
  readonly file: string;
  readonly contextSize: number;
  readonly cacheType?: CacheType;
}

/**
 * Compares the estimated memory of a load with the measured one: the memory of the runner after a prompt has filled
 * most of the context, minus that of a runner with a tiny model.
 */
export async function run(): Promise<BenchResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tabagent-bench-'));
  try {
    const models = join(folder, 'models', 'bench', 'model');
    await mkdir(models, { recursive: true });
    await writeFile(join(models, 'none.gguf'), markovModel());
    for (const megabytes of [100, 300]) {
      await largeModel(join(models, `made-${megabytes}.gguf`), { megabytes, seed: 1 });
    }
    const real = process.env.TABAGENT_TEST_MODELS;
    if (real !== undefined) await copyFile(join(real, 'stories260K.gguf'), join(models, 'stories260K.gguf'));
    const cases: Case[] = [
      ...(real === undefined ? [] : [{ name: 'stories260K', file: 'stories260K.gguf', contextSize: 512 }]),
      { name: '100 MiB', file: 'made-100.gguf', contextSize: 2048 },
      { name: '300 MiB', file: 'made-300.gguf', contextSize: 512 },
      { name: '300 MiB', file: 'made-300.gguf', contextSize: 2048 },
      { name: '300 MiB', file: 'made-300.gguf', contextSize: 2048, cacheType: 'q8_0' },
      { name: '300 MiB', file: 'made-300.gguf', contextSize: 16_384 },
    ];
    // A model of half a megabyte.
    const tiny: Case = { name: '', file: 'none.gguf', contextSize: 256 };
    const baseline = (await measured(folder, tiny)) - (await estimated(models, tiny));
    const results: BenchResult[] = [];
    for (const one of cases)
      results.push(toResult(one, await estimated(models, one), (await measured(folder, one)) - baseline));
    return results;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function toResult({ name, contextSize, cacheType = 'f16' }: Case, estimate: number, measurement: number): BenchResult {
  const ratio = estimate / measurement;
  return {
    name: `${name}, context ${contextSize}, keys and values ${cacheType}: estimated / measured`,
    ratio,
    goal: `${1 - TOLERANCE} to ${1 + TOLERANCE}, or within ${NOISE / MiB} MiB`,
    ok: Math.abs(ratio - 1) <= TOLERANCE || Math.abs(estimate - measurement) <= NOISE,
    detail: `${(estimate / MiB).toFixed(1)} MiB vs. ${(measurement / MiB).toFixed(1)} MiB`,
  };
}

async function estimated(folder: string, { file, contextSize, cacheType }: Case): Promise<number> {
  const { shape } = await inspectModel([join(folder, file)]);
  const types = cacheType === undefined ? {} : { cacheTypeK: cacheType, cacheTypeV: cacheType };
  return memoryFor(demandOf(shape, { contextSize, ...types }), 0, 0).ram;
}

/** Returns the memory of the runner's process in bytes, after it has used all of its buffers. */
async function measured(home: string, { file, contextSize, cacheType }: Case): Promise<number> {
  const host = new HostProcess({ home, env: { TABAGENT_GPU: 'off' } });
  try {
    const modelPath = `bench/model/${file}`;
    const types = cacheType === undefined ? {} : { cache_type_k: cacheType, cache_type_v: cacheType };
    const settings = { n_ctx: contextSize, n_threads: 1, n_gpu_layers: 0, ...types };
    await succeeded(host.request('LOAD_MODEL', { modelPath, settings }));
    // Fills a batch: at most about 55 tokens per sentence.
    const prompt = 'Once upon a time there was a little dog. '.repeat(Math.min(12, Math.floor(contextSize / 64)));
    await succeeded(host.request('GENERATE', { prompt, settings: { max_new_tokens: 8, do_sample: false } }));
    return (await succeeded(host.request('UNLOAD_MODEL', { modelPath }))).payload.ramFreed;
  } finally {
    await host.close();
  }
}

async function succeeded(pending: ReturnType<HostProcess['request']>) {
  const reply = await pending;
  if (reply.status !== 'success') throw new Error(`The request failed: ${reply.message}`);
  return reply;
}
