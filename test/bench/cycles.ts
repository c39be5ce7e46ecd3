import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { markovModel, STORY_GREEDY } from '../support/gguf/markov-model.ts';
import { HostProcess, type Message } from '../support/host/host-process.ts';
import type { BenchResult } from './result.ts';

/** Number of measured cycles (`TABAGENT_CYCLES` overrides it). */
const CYCLES = 1000;

/** Cycles before the measurement, during which V8's heap grows to its working size. */
const WARM_UP = 500;

/** Maximum ratio that counts as no growth: the size of a garbage-collected heap varies by about 5 %. */
const MAX_GROWTH = 1.1;

const MODEL = 'bench/model/markov.gguf';

/**
 * Loads a model, generates and unloads it a thousand times in one host, checks every reply, and compares the memory and
 * the open handles of the host's process before and after.
 */
export async function run(): Promise<BenchResult[]> {
  const cycles = Number(process.env.TABAGENT_CYCLES ?? CYCLES);
  const home = await mkdtemp(join(tmpdir(), 'tabagent-bench-'));
  const file = join(home, 'models', MODEL);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, markovModel());
  const host = new HostProcess({ home });
  try {
    const warmUp = Math.min(WARM_UP, cycles);
    for (let i = 0; i < warmUp; i += 1) await cycle(host);
    const before = usageOf(host.pid);
    for (let i = 0; i < cycles; i += 1) await cycle(host);
    const after = usageOf(host.pid);
    const mib = (bytes: number) => (bytes / 1024 / 1024).toFixed(1);
    const names = `after ${warmUp + cycles} cycles of load, generate, unload / after ${warmUp}`;
    return [
      toResult(
        `the host's memory ${names}`,
        after.bytes / before.bytes,
        `${mib(after.bytes)} MiB vs. ${mib(before.bytes)}`,
      ),
      toResult(`its open handles ${names}`, after.handles / before.handles, `${after.handles} vs. ${before.handles}`),
    ];
  } finally {
    await host.close();
    await rm(home, { recursive: true });
  }
}

async function cycle(host: HostProcess): Promise<void> {
  const settings = { n_gpu_layers: 0, n_ctx: 128, n_threads: 1 };
  expectSuccess(await host.request('LOAD_MODEL', { modelPath: MODEL, settings }));
  const { text } = expectSuccess(await host.request('GENERATE', { prompt: 'once', settings: { do_sample: false } }));
  if (!STORY_GREEDY.endsWith(text.trim())) throw new Error(`Expected the end of "${STORY_GREEDY}", got "${text}"`);
  expectSuccess(await host.request('UNLOAD_MODEL', { modelId: MODEL }));
  // Keeps the list of received messages small.
  host.received.length = 0;
}

/** Returns the resident memory and the number of open handles of a process (Linux only). */
function usageOf(pid: number): { readonly bytes: number; readonly handles: number } {
  const kib = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return { bytes: kib * 1024, handles: readdirSync(`/proc/${pid}/fd`).length };
}

function toResult(name: string, ratio: number, detail: string): BenchResult {
  return { name, ratio, goal: `at most ${MAX_GROWTH}`, ok: ratio <= MAX_GROWTH, detail };
}

function expectSuccess(reply: Message): Message {
  if (reply.status !== 'success') throw new Error(`The request failed: ${reply.message}`);
  return reply;
}
