import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '../../host/common/log.ts';
import { readConfig } from '../../host/config.ts';
import { Host } from '../../host/host.ts';
import { fileKey } from '../../host/model-files/layout.ts';
import { type ModelName, modelName } from '../../host/protocol/model-name.ts';
import { openStore } from '../../host/store/store.ts';
import type { BenchResult } from './result.ts';

const MODELS = 10_000;
const REPOS = 1_000;
/** Number of recorded chunks of each file. */
const CHUNKS = 8;
/** Number of unfinished downloads. */
const UNFINISHED = 100;
const ROUNDS = 15;
/** Maximum CPU time, in milliseconds. */
const GOAL_MS = 20;

/** The listing actions, with their fields. */
const LISTS: readonly [action: string, fields: Record<string, string | number>][] = [
  ['GET_DOWNLOADED_MODELS', {}],
  ['GET_AVAILABLE_MODELS', {}],
  ['GET_MODELS_BY_TYPE', { modelType: 'gguf' }],
  ['GET_ACTIVE_DOWNLOADS', {}],
  ['GET_CACHE_STATS', {}],
  ['SCAN_LOCAL_MODELS', {}],
  ['GET_LOADED_MODELS', {}],
];

/**
 * Measures the CPU time of each listing action, from the request to the complete reply, with 10,000 model files on the
 * disk and in the index. The reply is the first page, as large as a message allows. Wall time would depend on other
 * programs.
 */
export async function run(): Promise<BenchResult[]> {
  const home = mkdtempSync(join(tmpdir(), 'tabagent-listing-'));
  const env = {
    TABAGENT_HOME: home,
    HOME: home,
    PATH: process.env.PATH,
    HF_HUB_OFFLINE: '1',
    OLLAMA_MODELS: join(home, 'none'),
  };
  const config = readConfig({ runnerEntry: new URL('../../dist/host/main.js', import.meta.url), env });
  try {
    await fill(config.paths);
    // Recently changed folders are read again on each request, which a user's folders are not.
    await delay(3_000);
    const host = new Host(config);
    const results: BenchResult[] = [];
    for (const [action, fields] of LISTS) results.push(await timeOf(host, action, fields));
    await host.close();
    return results;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function timeOf(host: Host, action: string, fields: Record<string, string | number>): Promise<BenchResult> {
  const times: number[] = [];
  const costs: number[] = [];
  let count = 0;
  for (let round = 0; round <= ROUNDS; round += 1) {
    const [start, before] = [performance.now(), process.cpuUsage()];
    const reply = await host.handle(
      { action, ...fields },
      { client: 'local', signal: new AbortController().signal, emit: () => {} },
    );
    const { user, system } = process.cpuUsage(before);
    times.push(performance.now() - start);
    costs.push((user + system) / 1000);
    if (reply.status !== 'success') throw new Error(`${action} failed: ${JSON.stringify(reply)}`);
    const { models, downloads } = reply.payload as { models?: unknown[]; downloads?: unknown[] };
    count = (models ?? downloads ?? []).length;
  }
  // The first request fills the caches.
  const [first = Number.NaN] = times;
  const [time, cost] = [median(times.slice(1)), median(costs.slice(1))];
  return {
    name: `${action} with ${MODELS.toLocaleString('en')} files: CPU time / ${GOAL_MS} ms`,
    ratio: cost / GOAL_MS,
    goal: 'at most 1',
    ok: cost <= GOAL_MS,
    detail: `${cost.toFixed(1)} ms of CPU time, ${time.toFixed(1)} ms of wall time, median of ${ROUNDS}; first request ${first.toFixed(0)} ms; ${count} entries in the reply`,
  };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

/** Adds the models to the disk and the index. */
async function fill({
  models,
  database,
  logFile,
}: {
  models: string;
  database: string;
  logFile: string;
}): Promise<void> {
  // The store creates the tables. Writing the rows in one transaction, in the store's format, is faster.
  const store = await openStore(database, createLogger({ file: logFile, debug: false }));
  for (const table of ['files', 'chunks', 'downloads', 'used']) await store.namespace(table).get('none');
  const hex = 'ab'.repeat(32);
  const sum = 'ab'.repeat(32);
  const record = {
    size: 40e6,
    checksum: { algorithm: 'sha256', hex },
    etag: hex,
    commit: null,
    chunkBytes: 5 * 2 ** 20,
  };
  await store.close();
  const direct = new DatabaseSync(database);
  const row = (value: unknown) => JSON.stringify({ value });
  const inserts = Object.fromEntries(
    ['files', 'chunks', 'downloads', 'used'].map((table) => [
      table,
      direct.prepare(`INSERT OR REPLACE INTO ${table} (key, value) VALUES (?, ?)`),
    ]),
  );
  direct.exec('BEGIN');
  for (let at = 0; at < MODELS + UNFINISHED; at += 1) {
    const name = nameOf(at);
    const key = fileKey(name, name.file);
    inserts.files?.run(key, row(record));
    for (let chunk = 0; chunk < CHUNKS; chunk += 1) inserts.chunks?.run(`${key}:${chunk}`, row(sum));
    if (at < MODELS) {
      mkdirSync(join(models, name.owner, name.repo), { recursive: true });
      writeFileSync(join(models, name.owner, name.repo, name.file), 'GGUF');
      if (at % 10 === 0) inserts.used?.run(name.id, row(at));
    } else {
      const download = { state: 'paused', downloaded: 1, total: 40e6, startedAt: at };
      inserts.downloads?.run(name.id, row(download));
    }
  }
  direct.exec('COMMIT');
  direct.close();
}

function nameOf(at: number): ModelName {
  const repo = at % REPOS;
  return modelName({
    owner: `maker-${repo % 50}`,
    repo: `model-${repo}-GGUF`,
    file: `model-${repo}-v${Math.floor(at / REPOS)}-Q4_K_M.gguf`,
  });
}
