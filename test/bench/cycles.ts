import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { markovModel, STORY_GREEDY } from '../support/gguf/markov-model.ts';
import { HostProcess, type Message } from '../support/host/host-process.ts';
import type { BenchResult } from './result.ts';

/** Cycles that are judged, unless `TABAGENT_CYCLES` says otherwise. */
const CYCLES = 1000;

/** Cycles before them. V8 lets its heap grow to the size it works with for so long, though what lives in it is flat. */
const WARM_UP = 500;

/** Flat, as far as a garbage-collected heap is: it moves by some 5 % between two looks. */
const FLAT = 1.1;

const MODEL = 'bench/model/markov.gguf';

/**
 * Load, generate, unload, a thousand times in one host that has done so for a while: what its process holds afterwards
 * against what it held before. Every answer is checked.
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
    const before = held(host.pid);
    for (let i = 0; i < cycles; i += 1) await cycle(host);
    const after = held(host.pid);
    const mib = (bytes: number) => (bytes / 1024 / 1024).toFixed(1);
    const names = `after ${warmUp + cycles} cycles of load, generate, unload / after ${warmUp}`;
    return [
      judge(
        `the host's memory ${names}`,
        after.bytes / before.bytes,
        `${mib(after.bytes)} MiB against ${mib(before.bytes)}`,
      ),
      judge(`its open handles ${names}`, after.handles / before.handles, `${after.handles} against ${before.handles}`),
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
  // What a test client keeps of the talk is not the host's.
  host.received.length = 0;
}

/** What a process holds: resident bytes, and open handles (both Linux's figures). */
function held(pid: number): { readonly bytes: number; readonly handles: number } {
  const kib = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return { bytes: kib * 1024, handles: readdirSync(`/proc/${pid}/fd`).length };
}

function judge(name: string, ratio: number, detail: string): BenchResult {
  return { name, ratio, goal: `at most ${FLAT}`, ok: ratio <= FLAT, detail };
}

function expectSuccess(reply: Message): Message {
  if (reply.status !== 'success') throw new Error(`The host refused: ${reply.message}`);
  return reply;
}
