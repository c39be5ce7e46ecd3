import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { largeModel } from '../support/gguf/large-model.ts';
import { HostProcess, type Message } from '../support/host/host-process.ts';
import type { BenchResult } from './result.ts';

/** Size of the generated model, MiB: evaluating its prompt takes seconds on one core, so that a stop arrives midway. */
const MEGABYTES = 300;

/** Number of stops of each kind. */
const STOPS = 10;

/** The limit of what people perceive as immediate, in milliseconds. */
const IMMEDIATE_MS = 100;

const MODEL = 'bench/model/large.gguf';

/**
 * Measures the time from STOP_GENERATION to the `stopped` reply of GENERATE, while the prompt is evaluated and while
 * text is generated. The slowest is compared with 100 ms or the time of one token, whichever is longer.
 */
export async function run(): Promise<BenchResult[]> {
  const home = await mkdtemp(join(tmpdir(), 'tabagent-bench-'));
  const file = join(home, 'models', MODEL);
  await mkdir(dirname(file), { recursive: true });
  await largeModel(file, { megabytes: MEGABYTES, seed: 1 });
  const host = new HostProcess({ home });
  try {
    const settings = { n_gpu_layers: 0, n_ctx: 2048, n_threads: 1 };
    expectSuccess(await host.request('LOAD_MODEL', { modelPath: MODEL, settings }));
    const { payload } = expectSuccess(
      await host.request('GENERATE', { prompt: 'warm', settings: { max_new_tokens: 20, do_sample: false } }),
    );
    const allowed = Math.max(IMMEDIATE_MS, 1000 / payload.tps);
    return [
      toResult('during the prompt', await stops(host, 'generationPromptProgress'), allowed),
      toResult('during the output', await stops(host, 'generationUpdate'), allowed),
    ];
  } finally {
    await host.close();
    await rm(home, { recursive: true });
  }
}

/**
 * Stops generations at their first event of this type. Returns the times from the stops to the replies, in
 * milliseconds.
 */
async function stops(host: HostProcess, at: string): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < STOPS; i += 1) {
    const words = at === 'generationPromptProgress' ? 'Once upon a time there was a little dog. '.repeat(30) : 'Once';
    const started = host.next(({ type }) => type === at);
    const pending = host.request('GENERATE', { prompt: `${i} ${words}`, settings: { max_new_tokens: 1000 } });
    await started;
    const start = performance.now();
    expectSuccess(await host.request('STOP_GENERATION'));
    const { payload } = expectSuccess(await pending);
    times.push(performance.now() - start);
    if (payload.finishReason !== 'stopped')
      throw new Error(`The generation finished with ${payload.finishReason} before the stop`);
  }
  return times;
}

function toResult(when: string, times: number[], allowed: number): BenchResult {
  const worst = Math.max(...times);
  return {
    name: `STOP_GENERATION ${when} to the reply / 100 ms or one token`,
    ratio: worst / allowed,
    goal: 'at most 1',
    ok: worst <= allowed,
    detail: `slowest of ${times.length}: ${worst.toFixed(1)} ms; allowed ${allowed.toFixed(1)} ms`,
  };
}

function expectSuccess(reply: Message): Message {
  if (reply.status !== 'success') throw new Error(`The request failed: ${reply.message}`);
  return reply;
}
