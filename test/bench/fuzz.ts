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

/** Share of the files after which the host has reached its working memory; see the cycles benchmark. */
const WARM_UP = 0.4;

/** Number of files over which memory is averaged: single samples vary by a runner that is starting. */
const WINDOW = 50;

/** Upper bound for "does not grow", for a garbage-collected heap. */
const FLAT = 1.1;

/** Longest allowed time for a reply, milliseconds. */
const LONGEST_MS = 5000;

/** Allowed outcomes for a hostile file. */
const ANSWERS = new Set(['loaded', 'MODEL_REJECTED', 'ENGINE_CRASHED', 'INSUFFICIENT_MEMORY']);
const GENERATE_ANSWERS = new Set([
  undefined,
  'generated',
  'CHAT_TEMPLATE_FAILED',
  'CONTEXT_OVERFLOW',
  'GENERATION_FAILED',
  'ENGINE_CRASHED',
  'INVALID_REQUEST',
]);

/**
 * Sends hostile GGUF files through LOAD_MODEL and GENERATE of one real host: it replies to each with a load or a typed error
 * within five seconds, never exits, and uses no more memory at the end than in the middle. The seed is
 * `TABAGENT_FUZZ_SEED`, random by default, and is printed.
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
    const held: Held[] = [];
    for (let i = 0; i < files; i += 1) {
      const outcome = await trial.try(hostile.next());
      outcomes.push(outcome);
      if (!isAnswer(outcome)) console.log(`  unexpected: ${JSON.stringify({ file: i, ...outcome })}`);
      if (outcome.milliseconds > LONGEST_MS) console.log(`  slow: ${JSON.stringify({ file: i, ...outcome })}`);
      held.push(trial.held());
    }
    return [answered(outcomes), ...slowest(outcomes), ...flat(held)];
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

function isAnswer({ load, generate }: HostileOutcome): boolean {
  return ANSWERS.has(load) && GENERATE_ANSWERS.has(generate);
}

function answered(outcomes: HostileOutcome[]): BenchResult {
  const good = outcomes.filter(isAnswer).length;
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
    name: 'hostile files with a load or a typed error / all',
    ratio: good / outcomes.length,
    goal: '1',
    ok: good === outcomes.length,
    detail: `${[...counts].map(([key, count]) => `${count} ${key}`).join('; ')}; crashed a runner: ${crashes || 'none'}`,
  };
}

function slowest(outcomes: HostileOutcome[]): BenchResult[] {
  const worst = outcomes.toSorted((a, b) => b.milliseconds - a.milliseconds)[0];
  if (worst === undefined) return [];
  return [
    {
      name: 'slowest reply / 5 s',
      ratio: worst.milliseconds / LONGEST_MS,
      goal: 'at most 1',
      ok: worst.milliseconds <= LONGEST_MS,
      detail: `${worst.milliseconds.toFixed(0)} ms: ${worst.how}, ${worst.load}`,
    },
  ];
}

type Held = ReturnType<HostileRun['held']>;

function flat(held: Held[]): BenchResult[] {
  const begin = Math.floor(held.length * WARM_UP);
  const [warm, end] = [held.slice(begin, begin + WINDOW), held.slice(-WINDOW)];
  const most = (of: (held: Held) => number) => [Math.max(...warm.map(of)), Math.max(...end.map(of))] as const;
  const [warmBytes, endBytes] = most(({ bytes }) => bytes);
  const [warmHandles, endHandles] = most(({ handles }) => handles);
  const mib = (bytes: number) => (bytes / 1024 / 1024).toFixed(1);
  const when = `at the end / after ${begin} files`;
  return [
    {
      name: `the host's memory ${when}`,
      ratio: endBytes / warmBytes,
      goal: `at most ${FLAT}`,
      ok: endBytes <= FLAT * warmBytes,
      detail: `${mib(endBytes)} MiB against ${mib(warmBytes)} MiB`,
    },
    {
      name: `the host's open handles ${when}`,
      ratio: endHandles / warmHandles,
      goal: `at most ${FLAT}`,
      ok: endHandles <= FLAT * warmHandles,
      detail: `${endHandles} against ${warmHandles}`,
    },
  ];
}
