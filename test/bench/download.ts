import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchHubOrder } from '../support/download/bench-hub.ts';
import { HostProcess } from '../support/host/host-process.ts';
import { installPeer } from './peer-package.ts';
import type { BenchResult } from './result.ts';

const MiB = 1024 * 1024;

/** Size of the file for unlimited downloads, MiB (`TABAGENT_BENCH_MIB` overrides it). */
const FREE_MIB = 2048;

/** Number of unlimited downloads with each program. */
const ROUNDS = 3;

/** Size of the file for limited connections, MiB: about ten seconds with all allowed connections. */
const CAPPED_MIB = 1024;

/** Speed limit per connection of some CDN edges, bytes per second. */
const CAP = 8.7e6;
const SLOW_CAP = 0.5e6;

/** Most connections of a download; see `HostLimits.connections`. */
const ALLOWED = 16;

const REPO = 'bench/model-GGUF';
const NAME = 'model.gguf';

const CURL_GOAL = 1.5;
const RSS_GOAL_MIB = 150;
const CAPPED_GOAL = 0.9;

interface Run {
  readonly seconds: number;
  /** Peak of resident memory, MiB. */
  readonly peakMiB: number;
}

interface Peer {
  readonly name: string;
  run(hub: string, folder: string): Promise<Run>;
}

/**
 * DOWNLOAD_MODEL through a real host, verified and synced, compared with programs that only download: unlimited over
 * loopback, with each connection limited, and with half of them limited further.
 */
export async function run(): Promise<BenchResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tabagent-bench-'));
  try {
    const peers = findPeers(folder);
    const results = [
      ...(await free(folder, peers, Number(process.env.TABAGENT_BENCH_MIB ?? FREE_MIB))),
      ...(await capped(folder, 'each connection at 8.7 MB/s', [CAP])),
      ...(await capped(folder, 'half of the connections at 0.5 MB/s', [CAP, SLOW_CAP])),
    ];
    return results;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function free(folder: string, peers: readonly Peer[], mebibytes: number): Promise<BenchResult[]> {
  const file = await makeFile(folder, mebibytes);
  const hub = await startHub({ repo: REPO, name: NAME, path: file, speeds: [] });
  try {
    const all = [HOST, ...peers];
    const runs = new Map<string, Run[]>(all.map(({ name }) => [name, []]));
    // Each program is first once: allocating page cache costs a virtual machine more than anything else here.
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const place of all.keys()) {
        const peer = all[(place + round) % all.length];
        if (peer === undefined) continue;
        const target = join(folder, 'target');
        await mkdir(target, { recursive: true });
        // The previous program's writes must not slow this one down.
        spawnSync('sync');
        const result = peer === HOST ? await peer.run(hub.url, target) : await attempt(peer, hub.url, target);
        if (result !== undefined) {
          console.log(`  ${peer.name}: ${result.seconds.toFixed(1)} s, ${result.peakMiB.toFixed(0)} MiB`);
          runs.get(peer.name)?.push(result);
        }
        await rm(target, { recursive: true });
      }
    }
    const quickest = (name: string) => Math.min(...(runs.get(name) ?? []).map(({ seconds }) => seconds));
    const ours = quickest(HOST.name);
    const peakMiB = Math.max(...(runs.get(HOST.name) ?? []).map((run) => run.peakMiB));
    return [
      {
        name: `peak memory of the host over ${mebibytes} MiB, MiB`,
        ratio: peakMiB,
        goal: `at most ${RSS_GOAL_MIB}`,
        ok: peakMiB <= RSS_GOAL_MIB,
        detail: `${peakMiB.toFixed(0)} MiB`,
      },
      ...peers.flatMap(({ name }) => {
        if (runs.get(name)?.length === 0) return [];
        const ratio = ours / quickest(name);
        const goal = name === CURL ? CURL_GOAL : 1;
        return {
          name: `${mebibytes} MiB over loopback, fastest of ${ROUNDS}: the host, verified / ${name}`,
          ratio,
          goal: `at most ${goal}`,
          ok: ratio <= goal,
          detail: `${ours.toFixed(1)} s against ${quickest(name).toFixed(1)} s`,
        };
      }),
    ];
  } finally {
    hub.child.kill('SIGKILL');
    await rm(file);
  }
}

/** Runs another program; returns undefined if it fails. */
async function attempt(peer: Peer, hub: string, target: string): Promise<Run | undefined> {
  try {
    return await peer.run(hub, target);
  } catch (error) {
    console.log(`  ${peer.name}: failed (${error instanceof Error ? error.message : String(error)})`);
    return undefined;
  }
}

async function capped(folder: string, what: string, speeds: readonly number[]): Promise<BenchResult[]> {
  const file = await makeFile(folder, CAPPED_MIB);
  const hub = await startHub({ repo: REPO, name: NAME, path: file, speeds });
  try {
    const target = join(folder, 'target');
    await mkdir(target, { recursive: true });
    const { seconds } = await HOST.run(hub.url, target);
    await rm(target, { recursive: true });
    const together = (ALLOWED * speeds.reduce((sum, speed) => sum + speed, 0)) / speeds.length;
    const ratio = statSync(file).size / seconds / together;
    return [
      {
        name: `${CAPPED_MIB} MiB, ${what}: speed of the host / of ${ALLOWED} connections together`,
        ratio,
        goal: `at least ${CAPPED_GOAL}`,
        ok: ratio >= CAPPED_GOAL,
        detail: `${(statSync(file).size / seconds / 1e6).toFixed(1)} MB/s against ${(together / 1e6).toFixed(1)} MB/s`,
      },
    ];
  } finally {
    hub.child.kill('SIGKILL');
    await rm(file);
  }
}

/** Incompressible bytes: the same block with a different number in each MiB. */
async function makeFile(folder: string, mebibytes: number): Promise<string> {
  const path = join(folder, 'source.bin');
  const file = await open(path, 'w');
  const block = randomFillSync(Buffer.alloc(MiB));
  for (let i = 0; i < mebibytes; i += 1) {
    block.writeUInt32LE(i);
    await file.write(block);
  }
  await file.close();
  return path;
}

async function startHub(order: BenchHubOrder): Promise<{ url: string; child: ChildProcess }> {
  const child = fork(new URL('../support/download/bench-hub.ts', import.meta.url), { stdio: 'inherit' });
  child.send(order);
  const [url] = await once(child, 'message');
  // The hub computes its checksum once, before the measurement.
  await fetch(`${url}/${REPO}/resolve/main/${NAME}`, { method: 'HEAD', redirect: 'manual' });
  return { url: String(url), child };
}

const HOST: Peer = {
  name: 'the host',
  async run(hub, folder) {
    const host = new HostProcess({ home: folder, env: { HF_ENDPOINT: hub } });
    await host.request('PING');
    const begin = performance.now();
    const reply = await host.request('DOWNLOAD_MODEL', { modelPath: REPO, modelFile: NAME });
    const seconds = (performance.now() - begin) / 1000;
    if (reply.status !== 'success') throw new Error(`The host refused: ${reply.message}`);
    const peakMiB = peakOf(host.pid);
    await host.close();
    return { seconds, peakMiB };
  },
};

const CURL = 'curl, one stream, no checksum';

function findPeers(folder: string): Peer[] {
  const peers: Peer[] = [];
  const url = (hub: string) => `${hub}/${REPO}/resolve/main/${NAME}`;
  const needs = (program: string, peer: Peer) => {
    if (spawnSync(program, ['--version']).status === 0) peers.push(peer);
    else console.log(`  Skipping ${peer.name}: ${program} is not installed`);
  };
  needs('curl', {
    name: CURL,
    run: (hub, target) => timed('curl', ['-sSfL', '-o', join(target, NAME), url(hub)]),
  });
  needs('aria2c', {
    name: 'aria2c -x16, no checksum',
    run: (hub, target) =>
      timed('aria2c', ['-q', '-x16', '-s16', '--file-allocation=none', '-d', target, '-o', NAME, url(hub)]),
  });
  const ipull = installPeer(join(folder, 'ipull'), ['ipull@4.0.3'], 'ipull/dist/index.js');
  if ('url' in ipull) {
    peers.push({
      name: 'ipull',
      run: (hub, target) => timed(process.execPath, [script('ipull'), ipull.url, url(hub), target, NAME]),
    });
  } else console.log(`  Skipping ipull: ${ipull.missing}`);
  const huggingface = installPeer(
    join(folder, 'huggingface'),
    ['@huggingface/hub@2.17.5'],
    '@huggingface/hub/dist/index.mjs',
  );
  if ('url' in huggingface) {
    peers.push({
      name: '@huggingface/hub',
      run: (hub, target) => timed(process.execPath, [script('huggingface'), huggingface.url, hub, REPO, target, NAME]),
    });
  } else console.log(`  Skipping @huggingface/hub: ${huggingface.missing}`);
  return peers;
}

function script(name: string): string {
  return fileURLToPath(new URL(`../support/download/${name}.ts`, import.meta.url));
}

/** Runs a program and samples its memory. */
async function timed(program: string, args: string[]): Promise<Run> {
  const begin = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  let peakMiB = 0;
  const timer = setInterval(() => {
    peakMiB = Math.max(peakMiB, peakOf(child.pid ?? 0));
  }, 50);
  const [code] = await once(child, 'exit');
  clearInterval(timer);
  if (code !== 0) throw new Error(`${program} ended with code ${code}`);
  return { seconds: (performance.now() - begin) / 1000, peakMiB };
}

/** Peak resident memory of a process, MiB (Linux only; 0 elsewhere). */
function peakOf(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    // The process has exited.
    return 0;
  }
}
