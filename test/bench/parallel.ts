import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { largeModel } from '../support/gguf/large-model.ts';
import { HostProcess, type Message } from '../support/host/host-process.ts';
import type { BenchResult } from './result.ts';

const MEGABYTES = 300;
const MODEL = 'bench/model/large.gguf';
const CONCURRENCY = 4;
/** The length of a short answer. */
const TOKENS = 120;
const ROUNDS = 5;
const SPEED_GOAL = 1.6;
const FIRST_TOKEN_GOAL = 2;

/** Words of the prompts: about 2,000 and 30 tokens of the made model. */
const LONG = 270;
const SHORT = 4;

/**
 * Compares four concurrent generations with four sequential ones, and the time to first token of a short request behind
 * a long one with its time alone, in the same host with two threads. The short request is sent at a different time of the
 * long prompt's evaluation in each round.
 */
export async function run(): Promise<BenchResult[]> {
  const home = await mkdtemp(join(tmpdir(), 'tabagent-bench-'));
  const file = join(home, 'models', MODEL);
  await mkdir(dirname(file), { recursive: true });
  await largeModel(file, { megabytes: MEGABYTES, seed: 1 });
  const host = new HostProcess({ home, env: { TABAGENT_PROMPT_CACHE: 'off' } });
  try {
    const load = { n_gpu_layers: 0, n_ctx: 4096, n_parallel: CONCURRENCY, n_threads: 2 };
    expectSuccess(await host.request('LOAD_MODEL', { modelPath: MODEL, settings: load }));
    const [speed, first]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      const prompts = Array.from({ length: CONCURRENCY }, (_, i) => words(round * 10 + i, SHORT));
      const sequential = await timeOf(async () => {
        for (const prompt of prompts) await generate(host, prompt, TOKENS);
      });
      const concurrent = await timeOf(() =>
        Promise.all(prompts.map((prompt) => generate(host, `x ${prompt}`, TOKENS))),
      );
      speed.push(sequential / concurrent);
      const alone = await generate(host, words(round * 10 + 5, SHORT), 1);
      const evaluated = promptProgress(host);
      const long = generate(host, words(round * 10 + 6, LONG), 20);
      await evaluated;
      await setTimeout((alone * round) / ROUNDS);
      const behind = await generate(host, words(round * 10 + 7, SHORT), 1);
      await long;
      first.push(behind / alone);
    }
    return [
      {
        name: `tokens per second of ${CONCURRENCY} concurrent generations / of sequential ones`,
        ratio: median(speed),
        goal: `at least ${SPEED_GOAL}`,
        ok: median(speed) >= SPEED_GOAL,
        detail: `rounds: ${speed.map((ratio) => ratio.toFixed(2)).join(', ')}`,
      },
      {
        name: 'time to first token of a short request behind a long one / alone',
        ratio: median(first),
        goal: `at most ${FIRST_TOKEN_GOAL}`,
        ok: median(first) <= FIRST_TOKEN_GOAL,
        detail: `rounds: ${first.map((ratio) => ratio.toFixed(2)).join(', ')}`,
      },
    ];
  } finally {
    await host.close();
    await rm(home, { recursive: true });
  }
}

/** Returns the time from the request to its reply, in milliseconds. For one token, that is the time to first token. */
async function generate(host: HostProcess, prompt: string, tokens: number): Promise<number> {
  return timeOf(async () => {
    const settings = { max_new_tokens: tokens, do_sample: false };
    expectSuccess(await host.request('GENERATE', { prompt, settings }));
  });
}

/** Settles when a part of a prompt has been evaluated. */
function promptProgress(host: HostProcess): Promise<void> {
  return new Promise((resolve) => {
    const stopListening = host.onMessage(({ type }) => {
      if (type !== 'generationPromptProgress') return;
      stopListening();
      resolve();
    });
  });
}

async function timeOf(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

function words(seed: number, count: number): string {
  return Array.from({ length: count }, (_, i) => `w${(seed * 977 + i * 17) % 3000}`).join(' ');
}

function expectSuccess(reply: Message): Message {
  if (reply.status !== 'success') throw new Error(`The request failed: ${reply.message}`);
  return reply;
}

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
