import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { markovModel } from '../support/gguf/markov-model.ts';
import { HostProcess, type Message } from '../support/host/host-process.ts';
import { median } from './peers.ts';
import type { BenchResult } from './result.ts';

const MODEL = 'bench/model/quoting.gguf';
const ROUNDS = 5;
const TOKENS = 160;

/** Most tokens that are predicted at a time. */
const LOOKUP_TOKENS = 7;

/** Words of the model, each of which is followed by the next one. */
const WORDS = 600;
const LAYERS = 10;
const FEED_FORWARD = 2816;

/** Of so many words in a row, how many the prompt of a request has that quotes it. */
const PASSAGE = 40;
const QUOTED = 24;

const QUOTING_GOAL = 1.2;
const OTHER_GOAL = 0.97;

/**
 * Tokens per second with prompt lookup, divided by those without it, in the same host: for an output of which 60 % are
 * passages of its prompt, and for one that has nothing but three words in a row in common with it, after which the
 * prediction is always wrong. The model has 220 MiB, of which each token reads everything.
 */
export async function run(): Promise<BenchResult[]> {
  const home = await mkdtemp(join(tmpdir(), 'tabagent-bench-'));
  const file = join(home, 'models', MODEL);
  await mkdir(dirname(file), { recursive: true });
  const chain = Object.fromEntries(Array.from({ length: WORDS }, (_, i) => [word(i), { [word(i + 1)]: 1 }]));
  await writeFile(file, markovModel({ chain, layers: LAYERS, feedForward: FEED_FORWARD, contextLength: 4096 }));
  const results: BenchResult[] = [];
  try {
    for (const threads of [1, 2]) {
      const host = new HostProcess({ home, env: { TABAGENT_PROMPT_CACHE: 'off' } });
      try {
        const settings = { n_gpu_layers: 0, n_ctx: 4096, n_parallel: 1, n_threads: threads };
        expectSuccess(await host.request('LOAD_MODEL', { modelPath: MODEL, settings }));
        const unit = threads === 1 ? '1 thread' : `${threads} threads`;
        results.push(
          await compare(host, `60 % quoted, ${unit}`, quoting(), QUOTING_GOAL),
          await compare(host, `nothing quoted, ${unit}`, misleading(), OTHER_GOAL),
        );
      } finally {
        await host.close();
      }
    }
    return results;
  } finally {
    await rm(home, { recursive: true });
  }
}

async function compare(host: HostProcess, name: string, prompt: string, goal: number): Promise<BenchResult> {
  const [without, with_]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    without.push(await tokensPerSecond(host, prompt, {}));
    with_.push(await tokensPerSecond(host, prompt, { prompt_lookup_num_tokens: LOOKUP_TOKENS }));
  }
  const ratio = median(with_.map((speed, round) => speed / (without[round] ?? Number.NaN)));
  return {
    name: `tokens per second with prompt lookup / without: ${name}`,
    ratio,
    goal: `at least ${goal}`,
    ok: ratio >= goal,
    detail: `${median(with_).toFixed(1)} against ${median(without).toFixed(1)} tokens/s, median of ${ROUNDS}`,
  };
}

async function tokensPerSecond(host: HostProcess, prompt: string, lookup: Record<string, number>): Promise<number> {
  const settings = { max_new_tokens: TOKENS, do_sample: false, ...lookup };
  const { payload } = expectSuccess(await host.request('GENERATE', { prompt, settings }));
  if (payload.usage.completionTokens !== TOKENS) throw new Error('The output is shorter than requested');
  return payload.usage.tokensPerSecond;
}

/** The passages, without what is between them. */
function quoting(): string {
  const places = Array.from({ length: WORDS }, (_, i) => i).filter((i) => i % PASSAGE < QUOTED);
  return [...places, 0].map(word).join(' ');
}

/** Three words in a row, and another one than the model's, over and over. */
function misleading(): string {
  const places = Array.from({ length: WORDS }, (_, i) => (i % 4 === 3 ? i + WORDS / 2 : i));
  return [...places, 0].map(word).join(' ');
}

function word(index: number): string {
  return `w${index % WORDS}`;
}

function expectSuccess(reply: Message): Message {
  if (reply.status !== 'success') throw new Error(`The host refused: ${reply.message}`);
  return reply;
}
