import { fork } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { largeModel } from '../support/gguf/large-model.ts';
import { HostProcess } from '../support/host/host-process.ts';
import type { BenchResult } from './result.ts';

const MODEL = 'bench/model/large.gguf';
const MEGABYTES = 300;

/**
 * Number of rounds, and tokens per generation. In the first round, which is not counted, the host adjusts its number of
 * threads.
 */
const ROUNDS = 7;
const TOKENS = 60;

/** Minimum ratio of the speed with the host's number of threads to that with the fastest number. */
const GOAL = 0.95;

/** Maximum number of thread counts to compare with. */
const MAX_COUNTS = 8;

/**
 * Compares tokens per second with the number of threads that the host chooses and adjusts, and with fixed numbers, in
 * alternation: on an idle machine, and while another process keeps a core busy.
 */
export async function run(): Promise<BenchResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tabagent-bench-'));
  try {
    const file = join(folder, 'models', ...MODEL.split('/'));
    await mkdir(dirname(file), { recursive: true });
    await largeModel(file, { megabytes: MEGABYTES, seed: 1 });
    const idle = await compare(folder, 'idle');
    const spinner = fork(fileURLToPath(new URL('../support/engine/busy-core.ts', import.meta.url)), {
      stdio: 'ignore',
    });
    try {
      return [idle, await compare(folder, 'one core busy')];
    } finally {
      spinner.kill('SIGKILL');
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function compare(home: string, label: string): Promise<BenchResult> {
  const counts = Array.from({ length: Math.min(MAX_COUNTS, availableParallelism()) }, (_, n) => n + 1);
  const hosts = new Map<number | 'chosen', { host: HostProcess; speeds: number[] }>();
  try {
    for (const threads of ['chosen', ...counts] as const) {
      const host = new HostProcess({ home });
      hosts.set(threads, { host, speeds: [] });
      const settings = { n_gpu_layers: 0, n_ctx: 1024, ...(threads === 'chosen' ? {} : { n_threads: threads }) };
      await expectSuccess(host.request('LOAD_MODEL', { modelPath: MODEL, settings }));
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      // Rotates the order, because threads that still spin slow down the next host.
      const turns = [...hosts.values()];
      for (const { host, speeds } of [...turns.slice(round % turns.length), ...turns.slice(0, round % turns.length)]) {
        const settings = { max_new_tokens: TOKENS, do_sample: false };
        const reply = await expectSuccess(host.request('GENERATE', { prompt: `Round ${round}`, settings }));
        if (round > 0) speeds.push(reply.payload.tps);
      }
    }
  } finally {
    for (const { host } of hosts.values()) await host.close();
  }
  const speedOf = (threads: number | 'chosen') => median(hosts.get(threads)?.speeds ?? []);
  const best = counts.toSorted((a, b) => speedOf(b) - speedOf(a))[0] ?? 1;
  const bestSpeeds = hosts.get(best)?.speeds ?? [];
  const ratio = median((hosts.get('chosen')?.speeds ?? []).map((speed, n) => speed / (bestSpeeds[n] ?? Number.NaN)));
  return {
    name: `${label}: tokens per second with the number of threads that the host chose / with the fastest fixed number`,
    ratio,
    goal: `at least ${GOAL}`,
    ok: ratio >= GOAL,
    detail: `${speedOf('chosen').toFixed(1)}; fixed: ${counts.map((n) => `${n}: ${speedOf(n).toFixed(1)}`).join(', ')}`,
  };
}

async function expectSuccess(pending: ReturnType<HostProcess['request']>) {
  const reply = await pending;
  if (reply.status !== 'success') throw new Error(`The request failed: ${reply.message}`);
  return reply;
}

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
