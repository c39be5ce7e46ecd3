import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { largeModel } from '../support/gguf/large-model.ts';
import { HostProcess, type Message } from '../support/host/host-process.ts';
import type { BenchResult } from './result.ts';

const MEGABYTES = 300;
const MODEL = 'bench/model/large.gguf';

/** Number of words in the prompt: about 2,000 tokens of the generated model. */
const WORDS = 270;

const ROUNDS = 3;
const SECOND_REQUEST_GOAL = 0.1;
const RESTART_GOAL = 0.25;

/**
 * Measures the time to first token when a conversation continues after another one used its sequence, and after a
 * restart of the host, both compared with its first request.
 */
export async function run(): Promise<BenchResult[]> {
  const home = await mkdtemp(join(tmpdir(), 'tabagent-bench-'));
  try {
    const file = join(home, 'models', MODEL);
    await mkdir(dirname(file), { recursive: true });
    await largeModel(file, { megabytes: MEGABYTES, seed: 1 });
    const [first, second, restarted]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      const [a, b] = [prompt(2 * round), prompt(2 * round + 1)];
      const host = await start(home);
      first.push(await firstToken(host, a));
      await firstToken(host, b);
      second.push(await firstToken(host, a));
      await host.close();
      const again = await start(home);
      restarted.push(await firstToken(again, a));
      await again.close();
    }
    const base = median(first);
    return [
      result('second request of a conversation', second, { base, goal: SECOND_REQUEST_GOAL }),
      result('first request after a restart', restarted, { base, goal: RESTART_GOAL }),
    ];
  } finally {
    await rm(home, { recursive: true });
  }
}

function result(name: string, times: number[], { base, goal }: { base: number; goal: number }): BenchResult {
  const ratio = median(times) / base;
  return {
    name: `time to first token: ${name} / first request`,
    ratio,
    goal: `at most ${goal}`,
    ok: ratio <= goal,
    detail: `${median(times).toFixed(0)} ms vs. ${base.toFixed(0)} ms, median of ${ROUNDS}`,
  };
}

async function start(home: string): Promise<HostProcess> {
  const host = new HostProcess({ home });
  // With several sequences, each conversation would have its own.
  const settings = { n_gpu_layers: 0, n_ctx: 4096, n_parallel: 1, n_threads: 1 };
  expectSuccess(await host.request('LOAD_MODEL', { modelPath: MODEL, settings }));
  return host;
}

async function firstToken(host: HostProcess, prompt: string): Promise<number> {
  const settings = { max_new_tokens: 2, do_sample: false };
  const { payload } = expectSuccess(await host.request('GENERATE', { prompt, settings }));
  return payload.usage.timeToFirstTokenMs;
}

function prompt(seed: number): string {
  return Array.from({ length: WORDS }, (_, i) => `w${(seed * 977 + i * 17) % 3000}`).join(' ');
}

function expectSuccess(reply: Message): Message {
  if (reply.status !== 'success') throw new Error(`The request failed: ${reply.message}`);
  return reply;
}

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
