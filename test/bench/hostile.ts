import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { hostileModels } from '../support/gguf/hostile-model.ts';
import { Seeded } from '../support/gguf/seeded.ts';
import { HostProcess } from '../support/host/host-process.ts';
import type { BenchResult } from './result.ts';

/** Number of inputs from each source (`TABAGENT_HOSTILE_INPUTS` overrides it). */
const INPUTS = 100;
/** Memory limit above the memory of an idle host, in bytes. */
const MAX_MEMORY_BYTES = 400e6;
/**
 * Time limit for a PING while an input is processed, in milliseconds of CPU time of the host's main thread. Wall time,
 * which depends on other programs, is only printed.
 */
const MAX_PING_MS = 250;
/** Time limit for the reply to an input, in milliseconds. */
const REPLY_MS = 60_000;
/** Sizes of inputs, in bytes. The last one is that of the largest allowed request. */
const SIZES = [10_000, 1_000_000, 16_000_000, 60_000_000] as const;

/** JSON elements that are cheap to send and expensive to parse, validate or traverse. */
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
/** JSON entries as hubs, engines and clients send them. */
const ENTRIES = [
  '{"rfilename":"m#-00001-of-01000.gguf"},',
  '{"path":"m#-00001-of-00999.gguf","type":"file","size":1},',
  '{"id":"#","object":"model"},',
  '{"index":#,"embedding":[0.1]},',
  '{"role":"user","content":"#"},',
  '{"role":1},',
] as const;

type Shape = (seeded: Seeded, bytes: number) => string;

/** Returns a list of about `bytes` bytes. Each `#` in an element is replaced by its index. */
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

/** Responses of a hub and an engine, with `@` where they contain a list. */
const RESPONSES = {
  hub: ['@', '{"siblings":@}', '{"id":"a/b","siblings":@}'],
  engine: ['@', '{"data":@}', '{"data":[{"index":0,"embedding":@}]}', '{"choices":@}'],
} as const;

/** Settings and manifests of other programs, in the user's home folder. */
const PROGRAM_FILES = [
  '.lmstudio/settings.json',
  '.lmstudio-home-pointer',
  '.ollama/models/manifests/registry.ollama.ai/library/m/latest',
  '.ollama/models/manifests/registry.ollama.ai/library/m/#',
  '.local/share/Jan/settings.json',
  '.local/share/Jan/data/models/m/model.json',
  '.config/nomic.ai/GPT4All.ini',
  '.cache/huggingface/hub/models--a--b/refs/main',
  '.cache/huggingface/hub/models--a--b/snapshots/#/m-00001-of-01000.gguf',
  '.lmstudio/models/a/b/#/#/#/m.gguf',
  '.cache/llama.cpp/m-#.gguf',
] as const;

/** Returns a GGUF header that claims more entries than it has, or has an excessive number of them. */
function hostileHeader(seeded: Seeded): Buffer {
  const head = (entries: bigint, tensors: bigint) => {
    const bytes = Buffer.alloc(24);
    bytes.write('GGUF');
    bytes.writeUInt32LE(3, 4);
    bytes.writeBigUInt64LE(tensors, 8);
    bytes.writeBigUInt64LE(entries, 16);
    return bytes;
  };
  const text = (value: string) => {
    const bytes = Buffer.alloc(8 + value.length, value, 'latin1');
    bytes.fill(0, 0, 8);
    bytes.writeBigUInt64LE(BigInt(value.length), 0);
    bytes.write(value, 8, 'latin1');
    return bytes;
  };
  const number = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
  };
  const count = seeded.pick([1_000, 100_000, 1_000_000]);
  const repeated = (element: Buffer) => Buffer.alloc(element.length * count, element);
  return seeded.pick([
    // Entries with the same name, entries with different names, nested lists, strings, tensors.
    () => Buffer.concat([head(BigInt(count), 0n), repeated(Buffer.concat([text('k'), number(4), number(1)]))]),
    () =>
      Buffer.concat([
        head(BigInt(count), 0n),
        ...Array.from({ length: count }, (_, i) => Buffer.concat([text(`k${i}`), number(4), number(1)])),
      ]),
    () => Buffer.concat([head(1n, 0n), text('k'), repeated(Buffer.from('09000000090000000100000000000000', 'hex'))]),
    () =>
      Buffer.concat([
        head(1n, 0n),
        text('tokenizer.ggml.tokens'),
        number(9),
        number(8),
        head(0n, BigInt(count)).subarray(8, 16),
        repeated(text('t')),
      ]),
    () => Buffer.concat([head(0n, BigInt(count)), repeated(Buffer.concat([text('t'), Buffer.alloc(24)]))]),
  ])();
}

/** A response. It is generated before it is requested, because that takes longer than the limit for a PING. */
interface Prepared {
  readonly type: 'interim' | 'text/event-stream' | 'application/json';
  readonly body: Buffer;
}

function prepare(source: keyof typeof RESPONSES, seeded: Seeded): Prepared {
  const variant = seeded.below(8);
  if (variant === 0) return { type: 'interim', body: Buffer.from('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(10_000)) };
  if (variant === 1) {
    const event = seeded.pick(['\n', ':\n', 'data:\n', 'data: {"choices":[{"delta":{}}]}\n\n']);
    return { type: 'text/event-stream', body: Buffer.from(event.repeat(2_000_000)) };
  }
  const [before = '', after = ''] = seeded.pick(RESPONSES[source]).split('@');
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
 * Sends hostile requests to a real host, and hostile responses to its requests to a hub and an engine. The host must
 * reply to each request, reply to PING meanwhile, and stay within its memory limit. `TABAGENT_FUZZ_SEED` sets the seed,
 * which is random by default.
 */
export async function run(): Promise<BenchResult[]> {
  const inputs = Number(process.env.TABAGENT_HOSTILE_INPUTS ?? INPUTS);
  const seed = Number(process.env.TABAGENT_FUZZ_SEED ?? Date.now() % 2 ** 31);
  console.log(`  ${inputs} inputs from each source, seed ${seed}`);
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
  const { next } = await hostileModels(seeded);
  const host = new HostProcess({ home, env: { HF_ENDPOINT: url, HOME: home, TABAGENT_GPU: 'off' } });
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
    requests.gguf = () => host.request('RECOMMEND_SPLIT', { modelId: 'a/b/m.gguf' });
    requests['folder of another program'] = () => host.request('SCAN_LOCAL_MODELS');
    const write = async (path: string, content: Buffer | string) => {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, content);
    };
    const prepareFile: Record<string, () => Promise<void>> = {
      gguf: () => write(join(home, 'models/a/b/m.gguf'), seeded.below(2) === 0 ? hostileHeader(seeded) : next().bytes),
      'folder of another program': async () => {
        const path = seeded.pick(PROGRAM_FILES).replaceAll('#', () => String(seeded.below(1_000)));
        const content = path.endsWith('.gguf') ? next().bytes : hostileJson(seeded, 16e6);
        // Fails if an earlier file has the name of a folder of this path.
        await write(join(home, path), content).catch(() => undefined);
      },
    };
    const results: BenchResult[] = [];
    for (const [source, send] of Object.entries(requests)) {
      const before = async () => {
        if (source === 'hub' || source === 'engine') prepared = prepare(source, seeded);
        await prepareFile[source]?.();
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

/**
 * Sends a frame of hostile JSON and waits for the reply to a PING behind it, because the reply to invalid JSON has no
 * ID.
 */
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
  { before, send, inputs }: { before: () => Promise<void>; send: () => Promise<unknown>; inputs: number },
): Promise<BenchResult[]> {
  const idleMemory = memoryOf(host);
  let peak = 0;
  let slowest = 0;
  let slowestWallMs = 0;
  let unanswered = 0;
  for (let i = 0; i < inputs; i += 1) {
    await before();
    let isDone = false;
    const work = Promise.race([send().then(() => true), delay(REPLY_MS, false, { ref: false })]).finally(() => {
      isDone = true;
    });
    while (!isDone) {
      peak = Math.max(peak, memoryOf(host) - idleMemory);
      // A PING behind a large frame would measure the transfer of that frame.
      if (source !== 'frame') {
        const start = performance.now();
        const cpuBefore = mainThreadMs(host);
        await host.request('PING');
        slowest = Math.max(slowest, mainThreadMs(host) - cpuBefore);
        slowestWallMs = Math.max(slowestWallMs, performance.now() - start);
      }
      await delay(20);
    }
    if (!(await work)) unanswered += 1;
  }
  const megabytes = Math.round(peak / 1e6);
  return [
    {
      name: `hostile input of source "${source}": memory above idle`,
      ratio: peak / MAX_MEMORY_BYTES,
      goal: `at most 1 (${MAX_MEMORY_BYTES / 1e6} MB)`,
      ok: peak <= MAX_MEMORY_BYTES && unanswered === 0,
      detail: `${inputs} inputs, ${megabytes} peak of ${megabytes} MB, ${unanswered} without a reply`,
    },
    {
      name: `hostile input of source "${source}": PING meanwhile`,
      ratio: slowest / MAX_PING_MS,
      goal: `at most 1 (${MAX_PING_MS} ms)`,
      ok: slowest <= MAX_PING_MS,
      detail:
        source === 'frame'
          ? 'not measured'
          : `${Math.round(slowest)} ms of CPU time at most, ${Math.round(slowestWallMs)} ms of wall time`,
    },
  ];
}

/** Returns the CPU time of the host's main thread, in milliseconds (Linux only). */
function mainThreadMs(host: HostProcess): number {
  const [run] = readFileSync(`/proc/${host.pid}/task/${host.pid}/schedstat`, 'utf8').split(' ');
  return Number(run) / 1e6;
}

/** Returns the resident memory of the host, in bytes (Linux only). */
function memoryOf(host: HostProcess): number {
  const status = readFileSync(`/proc/${host.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}
