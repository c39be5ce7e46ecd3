import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findContainment } from '../../host/engine/sandbox/containment.ts';
import { inspectModel } from '../../host/gguf/inspect.ts';
import { TestModels } from '../support/engine/test-models.ts';
import { largeModel } from '../support/gguf/large-model.ts';
import { HOST_MAIN } from '../support/host/host-process.ts';
import type { BenchResult } from './result.ts';

/** Size of the generated model, in MiB. */
const MEGABYTES = 200;
/** Number of pairs, each with and without the sandbox. One more pair comes first and is not counted. */
const ROUNDS = 12;
/** Tokens per generation. */
const TOKENS = 24;
/** Maximum ratio of the times with and without the sandbox. */
const GOAL = 1.03;

const SETTINGS = { gpuLayers: 0, contextSize: 512, threads: 1 };
const REQUEST = {
  input: { prompt: 'w' },
  maxNewTokens: TOKENS,
  stop: [],
  sampling: { temperature: 0, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, seed: 0 },
};

/** Measures the overhead of the sandbox: for a load on a warm runner, and per token. */
export async function run(): Promise<BenchResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tabagent-bench-'));
  const entry = pathToFileURL(HOST_MAIN);
  const containment = await findContainment({ env: process.env, entry, home: folder });
  const plain = new TestModels({ runnerEntry: entry });
  const contained = new TestModels({ runnerEntry: entry, containment, modelFolders: () => [folder] });
  try {
    const file = join(folder, 'large.gguf');
    await largeModel(file, { megabytes: MEGABYTES, seed: 1 });
    const [without, within]: [Measured[], Measured[]] = [[], []];
    for (let round = -1; round < ROUNDS; round += 1) {
      const pair = [await measure(plain, file), await measure(contained, file)] as const;
      if (round < 0) continue;
      without.push(pair[0]);
      within.push(pair[1]);
    }
    const { kind, reason } = contained.engine.containment;
    if (kind === undefined) throw new Error(`No sandbox is available: ${reason}`);
    return [
      result(kind, 'load', within, without, 'loadMs'),
      result(kind, 'time per token', within, without, 'tokenMs'),
    ];
  } finally {
    await plain.close();
    await contained.close();
    await rm(folder, { recursive: true });
  }
}

interface Measured {
  readonly loadMs: number;
  readonly tokenMs: number;
}

async function measure(host: TestModels, file: string): Promise<Measured> {
  const ready = host.log.next('engine.runner-ready');
  host.engine.warm();
  await ready;
  const start = performance.now();
  await host.load({ id: 'large', model: await inspectModel([file]), settings: SETTINGS });
  const loadMs = performance.now() - start;
  const { usage } = await host.models.generate('large', REQUEST);
  await host.models.unload('large');
  return { loadMs, tokenMs: 1000 / usage.tokensPerSecond };
}

function result(
  kind: string,
  label: string,
  within: readonly Measured[],
  without: readonly Measured[],
  metric: keyof Measured,
): BenchResult {
  const [contained, plain] = [within, without].map((all) => median(all.map((measured) => measured[metric])));
  const ratio = (contained ?? 0) / (plain ?? 1);
  return {
    name: `${label} with ${kind} / without, ${MEGABYTES} MiB`,
    ratio,
    goal: `at most ${GOAL}`,
    ok: ratio <= GOAL,
    detail: `${contained?.toFixed(1)} ms vs. ${plain?.toFixed(1)} ms, median of ${ROUNDS}`,
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
