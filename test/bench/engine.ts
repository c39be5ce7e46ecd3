import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspectModel } from '../../host/gguf/inspect.ts';
import { TestModels } from '../support/engine/test-models.ts';
import { largeModel } from '../support/gguf/large-model.ts';
import { HOST_MAIN } from '../support/host/host-process.ts';
import type { BenchResult } from './result.ts';

/** Size of the generated model: large enough that mapping pages, not start-up, dominates the load time. */
const MEGABYTES = 500;

/** Pairs of loads. Single loads vary by about 20 % on a shared machine; the median of 15 by about 3 %. */
const ROUNDS = 15;

const LOAD_GOAL = 1.1;
const MEMORY_GOAL = 0.99;

const SETTINGS = { gpuLayers: 0, contextSize: 2048, threads: 1 };

/**
 * Compares LOAD_MODEL with a warm runner, including preflight and IPC, with node-llama-cpp in process after llama.cpp
 * has been initialized. Also measures how much of a load's memory an unload returns.
 */
export async function run(): Promise<BenchResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tabagent-bench-'));
  const file = join(folder, 'large.gguf');
  const host = new TestModels({ runnerEntry: pathToFileURL(HOST_MAIN) });
  try {
    await largeModel(file, { megabytes: MEGABYTES, seed: 1 });
    return [await loading(host, file), await memory(host, file)];
  } finally {
    await host.close();
    await rm(folder, { recursive: true });
  }
}

async function loading(host: TestModels, file: string): Promise<BenchResult> {
  const ours: number[] = [];
  const theirs: number[] = [];
  // The first pair warms the page cache and is not counted.
  for (let round = -1; round < ROUNDS; round += 1) {
    const their = await loadInProcess(file);
    const our = await loadOnRunner(host, file);
    if (round < 0) continue;
    theirs.push(their);
    ours.push(our);
  }
  const ratio = median(ours) / median(theirs);
  return {
    name: `load with a warm runner / node-llama-cpp in process, ${MEGABYTES} MiB`,
    ratio,
    goal: `at most ${LOAD_GOAL}`,
    ok: ratio <= LOAD_GOAL,
    detail: `${median(ours).toFixed(0)} ms vs. ${median(theirs).toFixed(0)} ms, median of ${ROUNDS}`,
  };
}

async function loadOnRunner(host: TestModels, file: string): Promise<number> {
  const ready = host.log.next('engine.runner-ready');
  host.engine.warm();
  await ready;
  const start = performance.now();
  await host.load({ id: 'large', model: await inspectModel([file]), settings: SETTINGS });
  const elapsed = performance.now() - start;
  await host.models.unload('large');
  return elapsed;
}

async function loadInProcess(file: string): Promise<number> {
  const peer = fork(new URL('../support/engine/load-in-process.ts', import.meta.url), { stdio: 'inherit' });
  await once(peer, 'message');
  peer.send({ file, ...SETTINGS });
  const [elapsed] = await once(peer, 'message');
  const exited = once(peer, 'exit');
  peer.kill('SIGKILL');
  await exited;
  return Number(elapsed);
}

/** Measures the memory of host and runner before, during and after a load. Memory that is not returned is leaked. */
async function memory(host: TestModels, file: string): Promise<BenchResult> {
  const request = { id: 'large', model: await inspectModel([file]), settings: SETTINGS };
  const before = resident(process.pid);
  await host.load(request);
  const during = resident(process.pid) + resident(host.pidOf('large') ?? 0);
  await host.models.unload('large');
  const after = resident(process.pid);
  const ratio = (during - after) / (during - before);
  const mib = (bytes: number) => (bytes / 1024 / 1024).toFixed(1);
  return {
    name: 'memory returned by an unload / memory used by the load',
    ratio,
    goal: `at least ${MEMORY_GOAL}`,
    ok: ratio >= MEMORY_GOAL,
    detail: `host and runner use ${mib(before)} MiB before, ${mib(during)} MiB while loaded, ${mib(after)} MiB after`,
  };
}

/**
 * Returns the memory of a process in bytes, with shared pages divided among the processes that use them (on Linux;
 * elsewhere its own resident memory).
 */
function resident(pid: number): number {
  const file = `/proc/${pid}/smaps_rollup`;
  if (!existsSync(file)) return process.memoryUsage.rss();
  return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(file, 'utf8'))?.[1]) * 1024;
}

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
