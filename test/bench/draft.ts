import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { markovModel } from '../support/gguf/markov-model.ts';
import { HostProcess, type Message } from '../support/host/host-process.ts';
import { median } from './peers.ts';
import type { BenchResult } from './result.ts';

const MODEL = 'bench/model/large.gguf';
const RIGHT = 'bench/right/draft.gguf';
const WRONG = 'bench/wrong/draft.gguf';
const ROUNDS = 5;
const TOKENS = 160;

/** Words of the model, each of which is followed by the next one. */
const WORDS = 600;
const LAYERS = 10;
const FEED_FORWARD = 2816;

const RIGHT_GOAL = 1.2;
const WRONG_GOAL = 0.97;

/**
 * Tokens per second with a draft model, divided by those without it: with one that is always right, and with one that is
 * always wrong. The model has 220 MiB, of which each token reads everything; the draft models have a single layer.
 */
export async function run(): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  for (const threads of [1, 2]) {
    const unit = threads === 1 ? '1 thread' : `${threads} threads`;
    await withHost({ threads, draft: null }, async (plain) => {
      for (const { draft, name, goal } of [
        { draft: RIGHT, name: `always right, ${unit}`, goal: RIGHT_GOAL },
        { draft: WRONG, name: `always wrong, ${unit}`, goal: WRONG_GOAL },
      ]) {
        await withHost({ threads, draft }, async (drafting) => {
          results.push(await compare({ plain, drafting }, name, goal));
        });
      }
    });
  }
  return results;
}

/** Runs something with a host that has loaded the model. Each host has a data folder of its own, so a model of its own. */
async function withHost(
  { threads, draft }: { threads: number; draft: string | null },
  use: (host: HostProcess) => Promise<void>,
): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'tabagent-bench-'));
  const put = async (id: string, layers: number, feedForward: number, step: number) => {
    const chain = Object.fromEntries(Array.from({ length: WORDS }, (_, i) => [word(i), { [word(i + step)]: 1 }]));
    const file = join(home, 'models', id);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, markovModel({ chain, layers, feedForward, contextLength: 4096 }));
  };
  await put(MODEL, LAYERS, FEED_FORWARD, 1);
  await put(RIGHT, 1, 64, 1);
  await put(WRONG, 1, 64, 2);
  const host = new HostProcess({ home, env: { TABAGENT_PROMPT_CACHE: 'off' } });
  try {
    const settings = { n_gpu_layers: 0, n_ctx: 4096, n_parallel: 1, n_threads: threads, draft_model: draft };
    expectSuccess(await host.request('LOAD_MODEL', { modelPath: MODEL, settings }));
    await use(host);
  } finally {
    await host.close();
    await rm(home, { recursive: true });
  }
}

async function compare(
  { plain, drafting }: { plain: HostProcess; drafting: HostProcess },
  name: string,
  goal: number,
): Promise<BenchResult> {
  const [without, with_]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    without.push(await tokensPerSecond(plain));
    with_.push(await tokensPerSecond(drafting));
  }
  const ratio = median(with_.map((speed, round) => speed / (without[round] ?? Number.NaN)));
  return {
    name: `tokens per second with a draft model / without: ${name}`,
    ratio,
    goal: `at least ${goal}`,
    ok: ratio >= goal,
    detail: `${median(with_).toFixed(1)} against ${median(without).toFixed(1)} tokens/s, median of ${ROUNDS}`,
  };
}

async function tokensPerSecond(host: HostProcess): Promise<number> {
  const settings = { max_new_tokens: TOKENS, do_sample: false };
  const { payload } = expectSuccess(await host.request('GENERATE', { prompt: word(0), settings }));
  if (payload.usage.completionTokens !== TOKENS) throw new Error('The output is shorter than requested');
  return payload.usage.tokensPerSecond;
}

function word(index: number): string {
  return `w${index % WORDS}`;
}

function expectSuccess(reply: Message): Message {
  if (reply.status !== 'success') throw new Error(`The host refused: ${reply.message}`);
  return reply;
}
