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

/** Rounds over all hosts, and tokens of each. The first round is not counted: there the number is found. */
const ROUNDS = 7;
const TOKENS = 60;

/** Part of the speed of the best number that the host's own choice has to reach. */
const GOAL = 0.95;

/** Most numbers that are run beside the host's own. */
const MOST = 8;

/**
 * Tokens a second with the threads the host chooses and corrects, beside each fixed number of them, in turns: on an idle
 * machine, and while another process keeps a core busy.
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
      return [idle, await compare(folder, 'one core kept busy')];
    } finally {
      spinner.kill('SIGKILL');
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function compare(home: string, what: string): Promise<BenchResult> {
  const counts = Array.from({ length: Math.min(MOST, availableParallelism()) }, (_, n) => n + 1);
  const hosts = new Map<number | 'chosen', { host: HostProcess; speeds: number[] }>();
  try {
    for (const threads of ['chosen', ...counts] as const) {
      const host = new HostProcess({ home });
      hosts.set(threads, { host, speeds: [] });
      const settings = { n_gpu_layers: 0, n_ctx: 1024, ...(threads === 'chosen' ? {} : { n_threads: threads }) };
      await expectSuccess(host.request('LOAD_MODEL', { modelPath: MODEL, settings }));
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      // Another begins each time: what follows a number that spins is not always the same one.
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
    name: `${what}: tokens per second with the host's own choice of threads / with the best fixed number`,
    ratio,
    goal: `at least ${GOAL}`,
    ok: ratio >= GOAL,
    detail: `${speedOf('chosen').toFixed(1)}; fixed: ${counts.map((n) => `${n}: ${speedOf(n).toFixed(1)}`).join(', ')}`,
  };
}

async function expectSuccess(asked: ReturnType<HostProcess['request']>) {
  const reply = await asked;
  if (reply.status !== 'success') throw new Error(`The host refused: ${reply.message}`);
  return reply;
}

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
