import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { PeerModel, PeerResult } from '../support/engine/peer-run.ts';
import { largeModel } from '../support/gguf/large-model.ts';
import { ServeProcess } from '../support/serve/serve-process.ts';
import { median, type Peer, startInProcess } from './peers.ts';
import type { BenchResult } from './result.ts';

/** Size of the generated model, MiB: large enough that a token costs about as much as with a real model. */
const MEGABYTES = 300;

const ROUNDS = 11;

const GOAL = 0.95;

/** The context length is the one that the host chooses for these models. */
const SETTINGS = { contextSize: 512, batchSize: 512, threads: 1 };

/**
 * Compares streamed completions of `tabagent serve` over HTTP with node-llama-cpp in process: tokens per second, and
 * the overhead of a request.
 */
export async function run(): Promise<BenchResult[]> {
  const home = await mkdtemp(join(tmpdir(), 'tabagent-bench-'));
  try {
    const results: BenchResult[] = [];
    for (const { name, make, maxTokens } of models()) {
      const file = join(home, 'models', 'bench', 'model', `${name}.gguf`);
      await mkdir(dirname(file), { recursive: true });
      await make(file);
      results.push(...(await compare({ name, home, file, maxTokens })));
    }
    return results;
  } finally {
    await rm(home, { recursive: true });
  }
}

function models(): { name: string; make: (file: string) => Promise<void>; maxTokens: number }[] {
  const real = process.env.TABAGENT_TEST_MODELS;
  if (real === undefined) console.log('  Skipping the small real model: TABAGENT_TEST_MODELS is not set');
  const small = { name: 'stories260K', maxTokens: 300 };
  return [
    ...(real === undefined
      ? []
      : [{ ...small, make: (file: string) => copyFile(join(real, 'stories260K.gguf'), file) }]),
    {
      name: `made-${MEGABYTES}MiB`,
      make: (file) => largeModel(file, { megabytes: MEGABYTES, seed: 1 }),
      maxTokens: 60,
    },
  ];
}

async function compare(run: { name: string; home: string; file: string; maxTokens: number }): Promise<BenchResult[]> {
  const model: PeerModel = { file: run.file, ...SETTINGS };
  const peers = [await startServer(run.home, run.name), await startInProcess(model)];
  const long = new Map<Peer, PeerResult[]>(peers.map((peer) => [peer, []]));
  const short = new Map<Peer, number[]>(peers.map((peer) => [peer, []]));
  try {
    for (let round = -1; round < ROUNDS; round += 1) {
      // The first word changes, so that nothing of the previous prompt can be reused.
      const prompt = `${String.fromCodePoint(98 + round)} once upon a time`;
      for (const peer of peers) {
        const answer = await peer.generate({ prompt, maxTokens: run.maxTokens });
        const { totalMs } = await peer.generate({ prompt: `so ${prompt}`, maxTokens: 1 });
        if (round < 0) continue;
        long.get(peer)?.push(answer);
        short.get(peer)?.push(totalMs);
      }
    }
  } finally {
    for (const peer of peers) await peer.close();
  }
  const [ours = [], theirs = []] = long.values();
  const [ourMs = [], theirMs = []] = [...short.values()];
  const speed = ({ tokens, firstMs, totalMs }: PeerResult) => ((tokens - 1) * 1000) / (totalMs - firstMs);
  const ratio = median(ours.map((our, i) => (theirs[i] === undefined ? Number.NaN : speed(our) / speed(theirs[i]))));
  const [our, their] = [median(ours.map(speed)), median(theirs.map(speed))];
  const perToken = 1_000_000 / our - 1_000_000 / their;
  return [
    {
      name: `${run.name}: tokens per second over HTTP / node-llama-cpp in process`,
      ratio,
      goal: `at least ${GOAL}`,
      ok: ratio >= GOAL,
      detail: `${our.toFixed(1)} tokens/s vs. ${their.toFixed(1)}: ${perToken.toFixed(1)} µs more per token, median of ${ours.length}`,
    },
    {
      name: `${run.name}: request of one token over HTTP / node-llama-cpp in process`,
      ratio: median(ourMs.map((ms, i) => ms / (theirMs[i] ?? Number.NaN))),
      goal: 'none, for comparison',
      ok: true,
      detail: `${median(ourMs).toFixed(1)} ms vs. ${median(theirMs).toFixed(1)} ms: ${(median(ourMs) - median(theirMs)).toFixed(1)} ms more per request`,
    },
  ];
}

/** Starts `tabagent serve`. Its generations are streamed completions. */
async function startServer(home: string, name: string): Promise<Peer> {
  const server = await ServeProcess.start(home);
  return {
    name: 'tabagent serve',
    async generate({ prompt, maxTokens }) {
      const start = performance.now();
      const response = await fetch(`${server.url}/v1/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          model: `bench/model/${name}.gguf`,
          prompt,
          max_tokens: maxTokens,
          temperature: 0,
          stream: true,
          stream_options: { include_usage: true },
        }),
      });
      if (!response.ok || response.body === null) throw new Error(`The request failed: ${await response.text()}`);
      const decoder = new TextDecoder();
      let first: number | undefined;
      let text = '';
      for await (const bytes of response.body) {
        first ??= performance.now();
        text += decoder.decode(bytes, { stream: true });
      }
      const end = performance.now();
      const tokens = Number(/"completion_tokens":(\d+)/.exec(text)?.[1]);
      return { tokens, firstMs: (first ?? end) - start, totalMs: end - start };
    },
    async close() {
      await server.close();
    },
  };
}
