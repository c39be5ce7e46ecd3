import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHROME_ORIGIN, HOST_MAIN } from '../support/host/host-process.ts';
import type { BenchResult } from './result.ts';

/** Number of pairs of runs. The median of 21 varies by about 2 % on a busy machine. */
const ROUNDS = 21;
const GOAL = 1.5;

/** Measures the startup of the built host, run by Node.js. */
export async function run(): Promise<BenchResult[]> {
  return [await timeStarts('spawn to first PING reply / empty Node program', [process.execPath, HOST_MAIN])];
}

/** A program and its first arguments. */
export type Command = readonly [program: string, ...args: string[]];

/** Compares the time from starting a host to its first reply with the run time of an empty Node.js program. */
export async function timeStarts(name: string, command: Command): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'tabagent-bench-'));
  try {
    const empty = join(folder, 'empty.mjs');
    await writeFile(empty, '');
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      theirs.push(await timeEmpty(empty));
      ours.push(await timePing(folder, command));
    }
    const ratio = median(ours) / median(theirs);
    return {
      name,
      ratio,
      goal: `at most ${GOAL}`,
      ok: ratio <= GOAL,
      detail: `${median(ours).toFixed(1)} ms vs. ${median(theirs).toFixed(1)} ms, median of ${ROUNDS}`,
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function timeEmpty(file: string): Promise<number> {
  const start = performance.now();
  await once(spawn(process.execPath, [file], { stdio: 'ignore' }), 'exit');
  return performance.now() - start;
}

async function timePing(home: string, [program, ...first]: Command): Promise<number> {
  const body = Buffer.from('{"action":"PING"}');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  const start = performance.now();
  const host = spawn(program, [...first, CHROME_ORIGIN], {
    env: { ...process.env, TABAGENT_HOME: home },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const exited = once(host, 'exit');
  host.stdin.write(Buffer.concat([length, body]));
  await once(host.stdout, 'data');
  const elapsed = performance.now() - start;
  host.stdin.end();
  host.stdout.resume();
  await exited;
  return elapsed;
}

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
