import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchHubOptions } from '../support/download/bench-hub.ts';
import { HostProcess } from '../support/host/host-process.ts';
import { installPeer } from './peer-package.ts';
import type { BenchResult } from './result.ts';

const MiB = 1024 * 1024;

/** Size of the file for unlimited downloads, in MiB (`TABAGENT_BENCH_MIB` overrides it). */
const UNLIMITED_MIB = 2048;

/** Number of unlimited downloads with each program. */
const ROUNDS = 3;

/**
 * Size of the file for limited connections, in MiB: it takes about ten seconds with the maximum number of connections.
 */
const LIMITED_MIB = 1024;

/** Speed limits per connection, in bytes per second: that of some CDN edges, and of a slow connection. */
const SPEED_LIMIT = 8.7e6;
const SLOW_LIMIT = 0.5e6;

/** Maximum number of connections of a download; see `HostLimits.connections`. */
const MAX_CONNECTIONS = 16;

const REPO = 'bench/model-GGUF';
const NAME = 'model.gguf';

const CURL_GOAL = 1.5;
const RSS_GOAL_MIB = 150;
const LIMITED_GOAL = 0.9;

interface Run {
  readonly seconds: number;
  /** Peak resident memory, in MiB. */
  readonly peakMiB: number;
}

interface Peer {
  readonly name: string;
  run(hub: string, folder: string): Promise<Run>;
}

/**
 * Compares DOWNLOAD_MODEL in a real host, which verifies and syncs the file, with programs that only download: at full
 * speed over loopback, with limited connections, and with half of the connections limited further.
 */
export async function run(): Promise<BenchResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tabagent-bench-'));
  try {
    const peers = findPeers(folder);
    const results = [
      ...(await unlimited(folder, peers, Number(process.env.TABAGENT_BENCH_MIB ?? UNLIMITED_MIB))),
      ...(await limited(folder, 'each connection at 8.7 MB/s', [SPEED_LIMIT])),
      ...(await limited(folder, 'half of the connections at 0.5 MB/s', [SPEED_LIMIT, SLOW_LIMIT])),
    ];
    return results;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function unlimited(folder: string, peers: readonly Peer[], mebibytes: number): Promise<BenchResult[]> {
  const file = await makeFile(folder, mebibytes);
  const hub = await startHub({ repo: REPO, name: NAME, path: file, speeds: [] });
  try {
    const all = [HOST, ...peers];
    const runs = new Map<string, Run[]>(all.map(({ name }) => [name, []]));
    // Rotates the order: on a virtual machine, the first program pays for allocating the page cache.
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const position of all.keys()) {
        const peer = all[(position + round) % all.length];
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
    const fastest = (name: string) => Math.min(...(runs.get(name) ?? []).map(({ seconds }) => seconds));
    const ours = fastest(HOST.name);
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
        const ratio = ours / fastest(name);
        const goal = name === CURL ? CURL_GOAL : 1;
        return {
          name: `${mebibytes} MiB over loopback, fastest of ${ROUNDS}: the host, verified / ${name}`,
          ratio,
          goal: `at most ${goal}`,
          ok: ratio <= goal,
          detail: `${ours.toFixed(1)} s vs. ${fastest(name).toFixed(1)} s`,
        };
      }),
    ];
  } finally {
    hub.child.kill('SIGKILL');
    await rm(file);
  }
}

/** Runs another program. Returns undefined if it fails. */
async function attempt(peer: Peer, hub: string, target: string): Promise<Run | undefined> {
  try {
    return await peer.run(hub, target);
  } catch (error) {
    console.log(`  ${peer.name}: failed (${error instanceof Error ? error.message : String(error)})`);
    return undefined;
  }
}

async function limited(folder: string, label: string, speeds: readonly number[]): Promise<BenchResult[]> {
  const file = await makeFile(folder, LIMITED_MIB);
  const hub = await startHub({ repo: REPO, name: NAME, path: file, speeds });
  try {
    const target = join(folder, 'target');
    await mkdir(target, { recursive: true });
    const { seconds } = await HOST.run(hub.url, target);
    await rm(target, { recursive: true });
    const total = (MAX_CONNECTIONS * speeds.reduce((sum, speed) => sum + speed, 0)) / speeds.length;
    const ratio = statSync(file).size / seconds / total;
    return [
      {
        name: `${LIMITED_MIB} MiB, ${label}: speed of the host / of ${MAX_CONNECTIONS} connections total`,
        ratio,
        goal: `at least ${LIMITED_GOAL}`,
        ok: ratio >= LIMITED_GOAL,
        detail: `${(statSync(file).size / seconds / 1e6).toFixed(1)} MB/s vs. ${(total / 1e6).toFixed(1)} MB/s`,
      },
    ];
  } finally {
    hub.child.kill('SIGKILL');
    await rm(file);
  }
}

/** Creates a file of incompressible bytes: the same block with a different number in each MiB. */
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

async function startHub(options: BenchHubOptions): Promise<{ url: string; child: ChildProcess }> {
  const child = fork(new URL('../support/download/bench-hub.ts', import.meta.url), { stdio: 'inherit' });
  child.send(options);
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
    const start = performance.now();
    const reply = await host.request('DOWNLOAD_MODEL', { modelPath: REPO, modelFile: NAME });
    const seconds = (performance.now() - start) / 1000;
    if (reply.status !== 'success') throw new Error(`The request failed: ${reply.message}`);
    const peakMiB = peakOf(host.pid);
    await host.close();
    return { seconds, peakMiB };
  },
};

const CURL = 'curl, one stream, no checksum';

function findPeers(folder: string): Peer[] {
  const peers: Peer[] = [];
  const url = (hub: string) => `${hub}/${REPO}/resolve/main/${NAME}`;
  const addIfInstalled = (program: string, peer: Peer) => {
    if (spawnSync(program, ['--version']).status === 0) peers.push(peer);
    else console.log(`  Skipping ${peer.name}: ${program} is not installed`);
  };
  addIfInstalled('curl', {
    name: CURL,
    run: (hub, target) => timed('curl', ['-sSfL', '-o', join(target, NAME), url(hub)]),
  });
  addIfInstalled('aria2c', {
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

/** Runs a program, and measures its time and peak memory. */
async function timed(program: string, args: string[]): Promise<Run> {
  const start = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  let peakMiB = 0;
  const timer = setInterval(() => {
    peakMiB = Math.max(peakMiB, peakOf(child.pid ?? 0));
  }, 50);
  const [code] = await once(child, 'exit');
  clearInterval(timer);
  if (code !== 0) throw new Error(`${program} exited with code ${code}`);
  return { seconds: (performance.now() - start) / 1000, peakMiB };
}

/** Returns the peak resident memory of a process, in MiB (0 on platforms other than Linux). */
function peakOf(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    // The process has exited.
    return 0;
  }
}
