import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { largeModel } from '../support/gguf/large-model.ts';
import { HostProcess, type Message } from '../support/host/host-process.ts';
import type { BenchResult } from './result.ts';

/** Size of the generated model, MiB: its prompt takes seconds on one core, so that a stop arrives midway. */
const MEGABYTES = 300;

/** Number of stops of each kind. */
const STOPS = 10;

/** What a person perceives as immediate, milliseconds; longer only if a token takes longer. */
const AT_ONCE_MS = 100;

const MODEL = 'bench/model/large.gguf';

/**
 * Time from STOP_GENERATION to the `stopped` reply of GENERATE, during the prompt and during the output, compared with
 * 100 ms or the time of one token, whichever is longer. The slowest counts.
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
    const allowed = Math.max(AT_ONCE_MS, 1000 / payload.tps);
    return [
      judge('in the middle of a prompt', await stops(host, 'generationPromptProgress'), allowed),
      judge('in the middle of the output', await stops(host, 'generationUpdate'), allowed),
    ];
  } finally {
    await host.close();
    await rm(home, { recursive: true });
  }
}

/** Stops generations at their first event of this type; returns the milliseconds from each stop to its reply. */
async function stops(host: HostProcess, at: string): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < STOPS; i += 1) {
    const words = at === 'generationPromptProgress' ? 'Once upon a time there was a little dog. '.repeat(30) : 'Once';
    const begun = host.next(({ type }) => type === at);
    const answered = host.request('GENERATE', { prompt: `${i} ${words}`, settings: { max_new_tokens: 1000 } });
    await begun;
    const begin = performance.now();
    expectSuccess(await host.request('STOP_GENERATION'));
    const { payload } = expectSuccess(await answered);
    taken.push(performance.now() - begin);
    if (payload.finishReason !== 'stopped') throw new Error(`It ended with ${payload.finishReason} before the stop`);
  }
  return taken;
}

function judge(when: string, taken: number[], allowed: number): BenchResult {
  const worst = Math.max(...taken);
  return {
    name: `STOP_GENERATION ${when} to the reply / 100 ms or one token`,
    ratio: worst / allowed,
    goal: 'at most 1',
    ok: worst <= allowed,
    detail: `slowest of ${taken.length}: ${worst.toFixed(1)} ms; allowed ${allowed.toFixed(1)} ms`,
  };
}

function expectSuccess(reply: Message): Message {
  if (reply.status !== 'success') throw new Error(`The host refused: ${reply.message}`);
  return reply;
}
