import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { PeerModel, PeerResult } from '../support/engine/peer-run.ts';
import { largeModel } from '../support/gguf/large-model.ts';
import { HostProcess, type Message } from '../support/host/host-process.ts';
import { installPeer } from './peer-package.ts';
import { IN_PROCESS, median, type Peer, startInProcess, startPeer } from './peers.ts';
import type { BenchResult } from './result.ts';

/** Size of the generated model, MiB: large enough that a token costs about as much as with a real model. */
const MEGABYTES = 300;

/** Number of rounds. Single runs vary by about 10 % on a shared machine; the median of 11 ratios by about 2 %. */
const ROUNDS = 11;

/** Number of rounds for a peer that is many times slower, where precision does not matter. */
const SLOW_PEER_ROUNDS = 2;

const GOAL = 0.97;

/** One thread each: with more threads than free cores, other processes would affect the result. */
const SETTINGS = { contextSize: 1024, batchSize: 512, threads: 1 };

/** @fugood/llama.node without its GPU binaries. The package is too large for a development dependency. */
const FUGOOD = ['@fugood/llama.node@1.7.15', `@fugood/node-llama-${process.platform}-${process.arch}@1.7.15`];

/**
 * Compares GENERATE in a real host over native messaging with node-llama-cpp in process and with another llama.cpp
 * binding: tokens per second and time to first token, with the same file, number of threads and batch size.
 */
export async function run(): Promise<BenchResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tabagent-bench-'));
  try {
    const fugood = installPeer(join(folder, 'fugood'), FUGOOD, '@fugood/llama.node/lib/index.js');
    if ('missing' in fugood) console.log(`  Skipping @fugood/llama.node: ${fugood.missing}`);
    const results: BenchResult[] = [];
    for (const { name, make, maxTokens, sentences } of models()) {
      const home = join(folder, name);
      const file = join(home, 'models', 'bench', 'model', `${name}.gguf`);
      await mkdir(dirname(file), { recursive: true });
      await make(file);
      results.push(
        ...(await compare({ name, home, file, maxTokens, sentences, ...('url' in fugood ? { url: fugood.url } : {}) })),
      );
      await rm(home, { recursive: true });
    }
    return results;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function models(): { name: string; make: (file: string) => Promise<void>; maxTokens: number; sentences: number }[] {
  const real = process.env.TABAGENT_TEST_MODELS;
  if (real === undefined) console.log('  Skipping the small real model: TABAGENT_TEST_MODELS is not set');
  return [
    ...(real === undefined
      ? []
      : [
          {
            name: 'stories260K',
            make: (file: string) => copyFile(join(real, 'stories260K.gguf'), file),
            maxTokens: 300,
            sentences: 36,
          },
        ]),
    {
      name: `made-${MEGABYTES}MiB`,
      make: (file) => largeModel(file, { megabytes: MEGABYTES, seed: 1 }),
      maxTokens: 60,
      sentences: 8,
    },
  ];
}

async function compare(run: {
  name: string;
  home: string;
  file: string;
  maxTokens: number;
  /** How often the prompt repeats its sentence, for about 400 tokens. */
  sentences: number;
  url?: string;
}): Promise<BenchResult[]> {
  const model: PeerModel = { file: run.file, ...SETTINGS };
  const host = await startHost(run.home, `bench/model/${run.name}.gguf`);
  const peers = [
    await startInProcess(model),
    ...(run.url === undefined
      ? []
      : [
          await startPeer('@fugood/llama.node', new URL('../support/engine/generate-fugood.ts', import.meta.url), {
            ...model,
            url: run.url,
          }),
        ]),
  ];
  const results = new Map<Peer, PeerResult[]>([host, ...peers].map((peer) => [peer, []]));
  try {
    for (let round = -1; round < ROUNDS; round += 1) {
      // The first word changes, so that nothing of the previous prompt can be reused.
      const prompt = `${String.fromCodePoint(98 + round)} ${'Once upon a time there was a little dog. '.repeat(run.sentences)}`;
      for (const [peer, all] of results) {
        if (isSlow(all) && round >= SLOW_PEER_ROUNDS) continue;
        const result = await peer.generate({ prompt, maxTokens: run.maxTokens });
        if (round >= 0) all.push(result);
      }
    }
  } finally {
    for (const peer of results.keys()) await peer.close();
  }
  return peers.flatMap((peer) => toResults(run.name, peer.name, results.get(host) ?? [], results.get(peer) ?? []));
}

/** Returns whether a peer takes more than ten seconds per round. */
function isSlow(results: readonly PeerResult[]): boolean {
  return results.some(({ totalMs }) => totalMs > 10_000);
}

/**
 * Returns the results for a peer. There is a goal only for the library that the runner uses; the other binding is for
 * comparison.
 */
function toResults(model: string, peer: string, ours: PeerResult[], theirs: PeerResult[]): BenchResult[] {
  const speed = ({ tokens, firstMs, totalMs }: PeerResult) => ((tokens - 1) * 1000) / (totalMs - firstMs);
  const ratios = (of: (ours: PeerResult, theirs: PeerResult) => number) =>
    median(ours.flatMap((our, i) => (theirs[i] === undefined ? [] : [of(our, theirs[i])])));
  const hasGoal = peer === IN_PROCESS;
  const goal = hasGoal ? `at least ${GOAL}` : 'none, for comparison';
  const tokens = ratios((our, their) => speed(our) / speed(their));
  const first = ratios((our, their) => their.firstMs / our.firstMs);
  const detail = (of: (result: PeerResult) => number, unit: string) =>
    `${median(ours.map(of)).toFixed(1)} ${unit} vs. ${median(theirs.map(of)).toFixed(1)} ${unit}, median of ${ours.length}`;
  return [
    {
      name: `${model}: tokens per second through the host / ${peer}`,
      ratio: tokens,
      goal,
      ok: !hasGoal || tokens >= GOAL,
      detail: detail(speed, 'tokens/s'),
    },
    {
      name: `${model}: time to first token of ${peer} / through the host`,
      ratio: first,
      goal,
      ok: !hasGoal || first >= GOAL,
      detail: detail(({ firstMs }) => firstMs, 'ms'),
    },
  ];
}

async function startHost(home: string, modelId: string): Promise<Peer> {
  const host = new HostProcess({ home });
  const { threads, contextSize, batchSize } = SETTINGS;
  const settings = { n_gpu_layers: 0, n_ctx: contextSize, n_batch: batchSize, n_threads: threads };
  expectSuccess(await host.request('LOAD_MODEL', { modelPath: modelId, settings }));
  return {
    name: 'the host',
    async generate({ prompt, maxTokens }) {
      const start = performance.now();
      let first: number | undefined;
      const stopListening = host.onMessage(({ type }) => {
        if (type === 'generationUpdate') first ??= performance.now();
      });
      const reply = expectSuccess(
        await host.request('GENERATE', {
          prompt,
          settings: { max_new_tokens: maxTokens, do_sample: false, repetition_penalty: 1 },
        }),
      );
      const end = performance.now();
      stopListening();
      return { tokens: reply.payload.numTokens, firstMs: (first ?? end) - start, totalMs: end - start };
    },
    async close() {
      await host.close();
    },
  };
}

function expectSuccess(reply: Message): Message {
  if (reply.status !== 'success') throw new Error(`The request failed: ${reply.message}`);
  return reply;
}
