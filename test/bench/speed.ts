import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ModelKind, writeModelKind } from '../support/gguf/model-kinds.ts';
import { HostProcess } from '../support/host/host-process.ts';
import type { BenchResult } from './result.ts';

/** Allowed deviation of an estimate. */
const TOLERANCE = 0.25;

/** Tokens per measured generation. */
const TOKENS = 48;

/** A model: its kind, the type of its matrices, and its number of layers, which determines its size. */
interface Case {
  readonly name: string;
  readonly kind: ModelKind;
  readonly matrixType: string;
  readonly layers: number;
}

const CASES: readonly Case[] = [
  { name: '100 MiB, F16', kind: 'dense', matrixType: 'F16', layers: 16 },
  { name: '300 MiB, F16', kind: 'dense', matrixType: 'F16', layers: 52 },
  { name: '100 MiB, Q4_0', kind: 'dense', matrixType: 'Q4_0', layers: 60 },
  { name: '300 MiB, Q4_K', kind: 'dense', matrixType: 'Q4_K', layers: 180 },
  { name: '300 MiB, Q8_0', kind: 'dense', matrixType: 'Q8_0', layers: 96 },
  { name: '1 GiB, F16', kind: 'dense', matrixType: 'F16', layers: 178 },
  { name: '300 MiB, F16, 2 of 8 experts', kind: 'experts', matrixType: 'F16', layers: 40 },
];

/**
 * Compares the estimated tokens per second of a model that was never loaded with the measured ones, the better of two
 * generations.
 */
export async function run(): Promise<BenchResult[]> {
  const home = await mkdtemp(join(tmpdir(), 'tabagent-bench-'));
  try {
    const folder = join(home, 'models', 'bench', 'model');
    await mkdir(folder, { recursive: true });
    const results: BenchResult[] = [];
    for (const [index, one] of CASES.entries()) {
      const file = `${index}.gguf`;
      await writeModelKind(join(folder, file), one.kind, { ...one, pieces: 2000 });
      results.push(await measure(one, { home: join(home, String(index)), models: join(home, 'models'), file }));
      await rm(join(folder, file));
    }
    return results;
  } finally {
    await rm(home, { recursive: true });
  }
}

async function measure({ name }: Case, where: { home: string; models: string; file: string }): Promise<BenchResult> {
  const { home, models, file } = where;
  await mkdir(home, { recursive: true });
  // Each model is loaded in a new host, which has no measurements of other models.
  await rename(models, join(home, 'models'));
  const host = new HostProcess({ home, env: { TABAGENT_GPU: 'off', TABAGENT_SPEED_TEST: '' } });
  try {
    const model = { modelPath: 'bench/model', modelFile: file };
    let estimate: number | null = null;
    // The estimate is null until the host has measured the computer.
    for (let attempt = 0; attempt < 30 && estimate === null; attempt++) {
      ({ tokens_per_second: estimate } = (await host.request('RECOMMEND_SPLIT', { ...model, n_ctx: 512 })).payload);
      if (estimate === null) await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    await host.request('LOAD_MODEL', { ...model, n_ctx: 512, settings: { n_parallel: 1 } });
    let measured = 0;
    for (const seed of [1, 2]) {
      // The generated model's tokens are equally likely. With all of them as candidates, the end-of-text token is
      // improbable.
      const settings = { max_new_tokens: TOKENS, seed, temperature: 1, top_k: 0, top_p: 1, min_p: 0 };
      const { payload } = await host.request('GENERATE', { prompt: 'w1 w2', settings });
      measured = Math.max(measured, payload.usage.tokensPerSecond);
    }
    const ratio = (estimate ?? 0) / measured;
    return {
      name: `${name}: estimated / measured tokens per second`,
      ratio,
      goal: `${1 - TOLERANCE} to ${1 + TOLERANCE}`,
      ok: Math.abs(ratio - 1) <= TOLERANCE,
      detail: `${estimate} vs. ${measured.toFixed(1)} tokens per second`,
    };
  } finally {
    await host.close();
    await rename(join(home, 'models'), models);
  }
}
