import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Seeded } from '../support/gguf/seeded.ts';
import { HostProcess } from '../support/host/host-process.ts';
import type { BenchResult } from './result.ts';

/** Inputs of each source (`TABAGENT_HOSTILE_INPUTS` overrides it). */
const INPUTS = 100;
/** Most memory above that of a host that has done nothing, bytes. */
const MAX_MEMORY_BYTES = 400e6;
/** Longest time for a PING while an input is handled, milliseconds. */
const MAX_PING_MS = 250;
/** An input without a reply within this time is a failure, milliseconds. */
const REPLY_MS = 60_000;
/** Sizes of inputs, bytes; the last one is the largest request. */
const SIZES = [10_000, 1_000_000, 16_000_000, 60_000_000] as const;

/** Elements that are cheap to send and expensive to parse, validate or walk. */
const ELEMENTS = [
  '1,',
  '"",',
  '{},',
  '[],',
  '{"a":1},',
  'null,',
  '1e5,',
  '"\\u0000",',
  '[[[]]],',
  '"\\"\\"\\"",',
] as const;
/** Entries as listings, engines and clients send them. */
const ENTRIES = [
  '{"rfilename":"m#-00001-of-01000.gguf"},',
  '{"path":"m#-00001-of-00999.gguf","type":"file","size":1},',
  '{"id":"#","object":"model"},',
  '{"index":#,"embedding":[0.1]},',
  '{"role":"user","content":"#"},',
  '{"role":1},',
] as const;

type Shape = (seeded: Seeded, bytes: number) => string;

/** Returns a list of `bytes` bytes; every `#` of its element is a number of its own. */
const list: Shape = (seeded, bytes) => {
  const element = seeded.pick([...ELEMENTS, ...ENTRIES]);
  const count = Math.floor(bytes / (element.length + 3));
  const items = element.includes('#')
    ? Array.from({ length: count }, (_, i) => element.replace('#', String(i))).join('')
    : element.repeat(count);
  return `[${items}0]`;
};
const keys: Shape = (_seeded, bytes) =>
  `{${Array.from({ length: Math.floor(bytes / 12) }, (_, i) => `"k${i}":1`).join()}}`;
const nested: Shape = (seeded, bytes) => {
  const depth = Math.floor(bytes / 2);
  return seeded.pick(['[', '{"a":']).repeat(depth / 4);
};
const long: Shape = (seeded, bytes) => {
  const unit = seeded.pick(['a', '\\"', '\\u00e9', 'é', ' ']);
  return `"${unit.repeat(bytes / Buffer.byteLength(unit))}"`;
};

function hostileJson(seeded: Seeded, largest: number): string {
  const shape = seeded.pick([list, list, list, keys, nested, long]);
  return shape(seeded, Math.min(seeded.pick(SIZES), largest));
}

/** Places where a hub and an engine have a list, marked `@`. */
const PLACES = {
  hub: ['@', '{"siblings":@}', '{"id":"a/b","siblings":@}'],
  engine: ['@', '{"data":@}', '{"data":[{"index":0,"embedding":@}]}', '{"choices":@}'],
} as const;

/** A response, made before it is requested: making one takes longer than the host may take for a PING. */
interface Prepared {
  readonly type: 'interim' | 'text/event-stream' | 'application/json';
  readonly body: Buffer;
}

function prepare(source: keyof typeof PLACES, seeded: Seeded): Prepared {
  const way = seeded.below(8);
  if (way === 0) return { type: 'interim', body: Buffer.from('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(10_000)) };
  if (way === 1) {
    const event = seeded.pick(['\n', ':\n', 'data:\n', 'data: {"choices":[{"delta":{}}]}\n\n']);
    return { type: 'text/event-stream', body: Buffer.from(event.repeat(2_000_000)) };
  }
  const [before = '', after = ''] = seeded.pick(PLACES[source]).split('@');
  const json = hostileJson(seeded, source === 'hub' ? 16e6 : 60e6);
  return { type: 'application/json', body: Buffer.from(before + json + after) };
}

function respond(response: ServerResponse, { type, body }: Prepared): void {
  response.on('error', () => {});
  if (type === 'interim') {
    response.socket?.end(body);
    return;
  }
  response.writeHead(200, { 'content-type': type });
  response.end(body);
}

/**
 * Sends hostile requests, and answers a real host's requests to its hub and its engine with hostile responses: it replies
 * to each, answers PING meanwhile, and stays within its memory. The seed is `TABAGENT_FUZZ_SEED`, random by default.
 */
export async function run(): Promise<BenchResult[]> {
  const inputs = Number(process.env.TABAGENT_HOSTILE_INPUTS ?? INPUTS);
  const seed = Number(process.env.TABAGENT_FUZZ_SEED ?? Date.now() % 2 ** 31);
  console.log(`  ${inputs} inputs of each source, seed ${seed}`);
  const seeded = new Seeded(seed);
  let prepared: Prepared | undefined;
  const server = createServer((request, response) => {
    request.resume();
    if (prepared !== undefined) respond(response, prepared);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const home = await mkdtemp(join(tmpdir(), 'tabagent-bench-'));
  await writeFile(
    join(home, 'config.json'),
    JSON.stringify({ remoteEngines: [{ name: 'box', url: `${url}/v1`, models: ['m'] }] }),
    { mode: 0o600 },
  );
  const host = new HostProcess({ home, env: { HF_ENDPOINT: url } });
  try {
    await host.request('PING');
    const requests: Record<string, () => Promise<unknown>> = {
      frame: () => sendFrame(host, seeded),
      hub: () =>
        seeded.below(2) === 0
          ? host.request('LIST_REPO_FILES', { repoId: 'a/b' })
          : host.request('SEARCH_MODELS', { query: 'a' }),
      engine: async () => {
        await host.request('LOAD_MODEL', { modelId: 'remote/box/m' });
        return seeded.below(2) === 0
          ? host.request('GENERATE_EMBEDDINGS', { modelId: 'remote/box/m', texts: ['a'] })
          : host.request('GENERATE', { modelId: 'remote/box/m', prompt: 'a' });
      },
    };
    const results: BenchResult[] = [];
    for (const [source, send] of Object.entries(requests)) {
      const before = () => {
        if (source === 'hub' || source === 'engine') prepared = prepare(source, seeded);
      };
      results.push(...(await measure(host, source, { before, send, inputs })));
    }
    return results;
  } finally {
    await host.kill();
    server.closeAllConnections();
    server.close();
    await rm(home, { recursive: true, force: true });
  }
}

/** Sends a frame of hostile JSON. One that is no valid JSON has a reply without an id, so a PING behind it is awaited. */
async function sendFrame(host: HostProcess, seeded: Seeded): Promise<unknown> {
  const action = seeded.pick(['GENERATE', 'GENERATE_EMBEDDINGS', 'SYNC_PUSH', 'ADD_MESSAGES', 'IMPORT_CONVERSATIONS']);
  const field = seeded.pick(['messages', 'texts', 'lines', 'stop', 'tools']);
  const body = Buffer.from(`{"action":"${action}","requestId":"x","${field}":${hostileJson(seeded, 60e6)}}`);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  host.child.stdin.write(length);
  host.child.stdin.write(body);
  return host.request('PING');
}

async function measure(
  host: HostProcess,
  source: string,
  { before, send, inputs }: { before: () => void; send: () => Promise<unknown>; inputs: number },
): Promise<BenchResult[]> {
  const atRest = memoryOf(host);
  let peak = 0;
  let slowest = 0;
  let unanswered = 0;
  for (let i = 0; i < inputs; i += 1) {
    before();
    let isDone = false;
    const work = Promise.race([send().then(() => true), delay(REPLY_MS, false, { ref: false })]).finally(() => {
      isDone = true;
    });
    while (!isDone) {
      peak = Math.max(peak, memoryOf(host) - atRest);
      // A PING behind a large frame waits for its transfer, which says nothing about the host.
      if (source !== 'frame') {
        const begin = performance.now();
        await host.request('PING');
        slowest = Math.max(slowest, performance.now() - begin);
      }
      await delay(20);
    }
    if (!(await work)) unanswered += 1;
  }
  const megabytes = Math.round(peak / 1e6);
  return [
    {
      name: `hostile input of source "${source}": memory above rest`,
      ratio: peak / MAX_MEMORY_BYTES,
      goal: `at most 1 (${MAX_MEMORY_BYTES / 1e6} MB)`,
      ok: peak <= MAX_MEMORY_BYTES && unanswered === 0,
      detail: `${inputs} inputs, ${megabytes} MB at most, ${unanswered} without a reply`,
    },
    {
      name: `hostile input of source "${source}": PING meanwhile`,
      ratio: slowest / MAX_PING_MS,
      goal: `at most 1 (${MAX_PING_MS} ms)`,
      ok: slowest <= MAX_PING_MS,
      detail: source === 'frame' ? 'not measured' : `${Math.round(slowest)} ms at most`,
    },
  ];
}

/** Resident memory of the host, bytes (Linux only). */
function memoryOf(host: HostProcess): number {
  const status = readFileSync(`/proc/${host.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}
