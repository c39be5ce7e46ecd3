import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostileModels } from '../support/gguf/hostile-model.ts';
import { Seeded } from '../support/gguf/seeded.ts';
import { HostProcess } from '../support/host/host-process.ts';
import { type HostileOutcome, HostileRun } from '../support/host/hostile-run.ts';
import type { BenchResult } from './result.ts';

/** Number of files (`TABAGENT_FUZZ_FILES` overrides it). */
const FILES = 1000;

/** Share of the files after which the host's heap has reached its working size; see the cycles benchmark. */
const WARM_UP = 0.4;

/** Number of files whose highest memory use is compared: a single sample may include a runner that is starting. */
const WINDOW = 50;

/** Maximum ratio that counts as no growth, for a garbage-collected heap. */
const MAX_GROWTH = 1.1;

/** Time limit for a reply, in milliseconds. */
const REPLY_LIMIT_MS = 5000;

/** Allowed outcomes of LOAD_MODEL and GENERATE with a hostile file. */
const LOAD_OUTCOMES = new Set(['loaded', 'MODEL_REJECTED', 'ENGINE_CRASHED', 'INSUFFICIENT_MEMORY']);
const GENERATE_OUTCOMES = new Set([
  undefined,
  'generated',
  'CHAT_TEMPLATE_FAILED',
  'CONTEXT_OVERFLOW',
  'GENERATION_FAILED',
  'ENGINE_CRASHED',
  'INVALID_REQUEST',
]);

/**
 * Loads hostile GGUF files in one real host and generates with those that load. The host must reply to each request
 * with success or a typed error within five seconds, never exit, and use no more memory at the end than in the middle.
 * `TABAGENT_FUZZ_SEED` sets the seed, which is random by default, and printed.
 */
export async function run(): Promise<BenchResult[]> {
  const files = Number(process.env.TABAGENT_FUZZ_FILES ?? FILES);
  const seed = Number(process.env.TABAGENT_FUZZ_SEED ?? Date.now() % 2 ** 31);
  console.log(`  ${files} files, seed ${seed}`);
  const home = await mkdtemp(join(tmpdir(), 'tabagent-bench-'));
  const host = new HostProcess({ home });
  try {
    const hostile = await hostileModels(new Seeded(seed), realModels());
    const trial = await HostileRun.open(host, home);
    const outcomes: HostileOutcome[] = [];
    const usage: Usage[] = [];
    for (let i = 0; i < files; i += 1) {
      const outcome = await trial.try(hostile.next());
      outcomes.push(outcome);
      if (!isAllowed(outcome)) console.log(`  unexpected: ${JSON.stringify({ file: i, ...outcome })}`);
      if (outcome.milliseconds > REPLY_LIMIT_MS) console.log(`  slow: ${JSON.stringify({ file: i, ...outcome })}`);
      usage.push(trial.usage());
    }
    return [answered(outcomes), ...slowest(outcomes), ...growth(usage)];
  } finally {
    await host.close();
    await rm(home, { recursive: true });
  }
}

function realModels(): Buffer[] {
  const folder = process.env.TABAGENT_TEST_MODELS;
  const file = folder === undefined ? undefined : join(folder, 'stories260K.gguf');
  return file !== undefined && existsSync(file) ? [readFileSync(file)] : [];
}

function isAllowed({ load, generate }: HostileOutcome): boolean {
  return LOAD_OUTCOMES.has(load) && GENERATE_OUTCOMES.has(generate);
}

function answered(outcomes: HostileOutcome[]): BenchResult {
  const allowed = outcomes.filter(isAllowed).length;
  const counts = new Map<string, number>();
  for (const { load, generate } of outcomes) {
    const key = generate === undefined ? load : `${load}, ${generate}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const crashes = outcomes
    .filter(({ load, generate }) => load === 'ENGINE_CRASHED' || generate === 'ENGINE_CRASHED')
    .map(({ how }) => how)
    .join(', ');
  return {
    name: 'hostile files that load or fail with a typed error / all',
    ratio: allowed / outcomes.length,
    goal: '1',
    ok: allowed === outcomes.length,
    detail: `${[...counts].map(([key, count]) => `${count} ${key}`).join('; ')}; runner crashes: ${crashes || 'none'}`,
  };
}

function slowest(outcomes: HostileOutcome[]): BenchResult[] {
  const worst = outcomes.toSorted((a, b) => b.milliseconds - a.milliseconds)[0];
  if (worst === undefined) return [];
  return [
    {
      name: 'slowest reply / 5 s',
      ratio: worst.milliseconds / REPLY_LIMIT_MS,
      goal: 'at most 1',
      ok: worst.milliseconds <= REPLY_LIMIT_MS,
      detail: `${worst.milliseconds.toFixed(0)} ms: ${worst.how}, ${worst.load}`,
    },
  ];
}

type Usage = ReturnType<HostileRun['usage']>;

function growth(usage: Usage[]): BenchResult[] {
  const from = Math.floor(usage.length * WARM_UP);
  const [warm, end] = [usage.slice(from, from + WINDOW), usage.slice(-WINDOW)];
  const peaks = (of: (usage: Usage) => number) => [Math.max(...warm.map(of)), Math.max(...end.map(of))] as const;
  const [warmBytes, endBytes] = peaks(({ bytes }) => bytes);
  const [warmHandles, endHandles] = peaks(({ handles }) => handles);
  const mib = (bytes: number) => (bytes / 1024 / 1024).toFixed(1);
  const when = `at the end / after ${from} files`;
  return [
    {
      name: `the host's memory ${when}`,
      ratio: endBytes / warmBytes,
      goal: `at most ${MAX_GROWTH}`,
      ok: endBytes <= MAX_GROWTH * warmBytes,
      detail: `${mib(endBytes)} MiB vs. ${mib(warmBytes)} MiB`,
    },
    {
      name: `the host's open handles ${when}`,
      ratio: endHandles / warmHandles,
      goal: `at most ${MAX_GROWTH}`,
      ok: endHandles <= MAX_GROWTH * warmHandles,
      detail: `${endHandles} vs. ${warmHandles}`,
    },
  ];
}
