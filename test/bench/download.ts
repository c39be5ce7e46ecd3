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

/** MiB of the file where the line is free, unless `TABAGENT_BENCH_MIB` says otherwise. */
const FREE_MIB = 2048;

/** How often each is run over a free line. */
const ROUNDS = 3;

/** MiB where each connection is slow: some ten seconds of all that are allowed together. */
const CAPPED_MIB = 1024;

/** What some edges of CDNs give a connection, bytes a second. */
const CAP = 8.7e6;
const SLOW_CAP = 0.5e6;

/** Connections our downloads use at most; see `HostLimits.connections`. */
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
 * DOWNLOAD_MODEL through a real host, verified and fsynced, beside programs that only fetch: once over a free line on
 * loopback, once with each connection slow, once with half of them slower still.
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
    // Each is first once: fresh memory for the system's page cache costs a virtual machine more than all else here.
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const place of all.keys()) {
        const peer = all[(place + round) % all.length];
        if (peer === undefined) continue;
        const target = join(folder, 'target');
        await mkdir(target, { recursive: true });
        // What the one before left the disk to do is not this one's.
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
          name: `${mebibytes} MiB over a free line, quickest of ${ROUNDS}: the host, verified / ${name}`,
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

/** A run of another program; undefined where it fails, which is its own affair. */
async function attempt(peer: Peer, hub: string, target: string): Promise<Run | undefined> {
  try {
    return await peer.run(hub, target);
  } catch (error) {
    console.log(`  ${peer.name}: did not come to its end (${error instanceof Error ? error.message : String(error)})`);
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
        name: `${CAPPED_MIB} MiB, ${what}: the host / what ${ALLOWED} connections give together`,
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

/** Bytes that no hub could compress, the same block with another number in each MiB. */
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
  // The checksum the hub announces is taken once, and not in anybody's time.
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
    else console.log(`  Without ${peer.name}: there is no ${program} here`);
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
  } else console.log(`  Without ipull: ${ipull.missing}`);
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
  } else console.log(`  Without @huggingface/hub: ${huggingface.missing}`);
  return peers;
}

function script(name: string): string {
  return fileURLToPath(new URL(`../support/download/${name}.ts`, import.meta.url));
}

/** Runs a program to its end, looking at its memory meanwhile. */
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

/** The most a process has held so far, MiB, where the system says (Linux). */
function peakOf(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    // It has ended: what was seen before counts.
    return 0;
  }
}
