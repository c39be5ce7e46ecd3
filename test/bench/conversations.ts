import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { createLogger } from '../../host/common/log.ts';
import { readConfig } from '../../host/config.ts';
import { Conversations } from '../../host/conversations/conversations.ts';
import { seededRandom } from '../../host/vectors/random.ts';
import { unit } from '../../host/vectors/similarity.ts';
import { bertModel, bertVector } from '../support/gguf/bert-model.ts';
import { HOST_MAIN, HostProcess } from '../support/host/host-process.ts';
import { startHub } from '../support/hub/hub.ts';
import type { BenchResult } from './result.ts';

const CONVERSATIONS = 10_000;
const MESSAGES = 20;
const WORDS = 24;
const ROUNDS = 7;
/** Time limit for a request, in milliseconds. */
const REQUEST_LIMIT_MS = 100;
/** Time limit for a concurrent PING, in milliseconds. */
const PING_LIMIT_MS = 50;
/** Rows per import request. */
const IMPORTED_ROWS = 200;

type Fields = Record<string, unknown>;
/** A request, with its fields in a round. */
type Request = readonly [action: string, what: string, fields: (round: number) => Fields];

const REPO = 'tabagent/bert-gguf';
const EMBEDDER = 'bert.gguf';
const EMBEDDED_WORDS = ['common', 'number'];

/**
 * Measures how long conversation requests to the built host take with 10,000 conversations of 20 messages, and how long
 * a concurrent PING takes. A search by meaning may take longer, but must not delay other requests.
 */
export async function run(): Promise<BenchResult[]> {
  const home = mkdtempSync(join(tmpdir(), 'tabagent-conversations-'));
  const hub = await startHub({ repos: { [REPO]: { files: { [EMBEDDER]: bertModel({ words: EMBEDDED_WORDS }) } } } });
  const env = { HF_ENDPOINT: hub.url };
  const config = readConfig({ runnerEntry: pathToFileURL(HOST_MAIN), env: { TABAGENT_HOME: home, HOME: home } });
  const host = () => new HostProcess({ home, env });
  const hosts: HostProcess[] = [];
  try {
    await fill(config.paths.conversations, config.paths.logFile);
    const [first, second] = [host(), host()];
    hosts.push(first, second);
    for (const each of hosts) await timeOf(each, 'PING');
    const results = [
      await measure(first, ['LIST_CONVERSATIONS', 'the first request, which opens the database', () => ({})], 1),
    ];
    for (const request of REQUESTS) results.push(await measure(first, request));
    await timeOf(second, 'LIST_CONVERSATIONS');
    results.push(await measureBeside(first, second));
    await timeOf(first, 'LOAD_MODEL', {
      modelPath: `${REPO}/${EMBEDDER}`,
      settings: { n_gpu_layers: 0, n_threads: 1 },
    });
    results.push(await measureMeaning(first));
    return results;
  } finally {
    for (const each of hosts) await each.kill();
    await hub.close();
    rmSync(home, { recursive: true, force: true });
  }
}

const now = 1_800_000_000;
const messageRow = (id: string, conversation: string, content: string, at = now) => ({
  type: 'message',
  id,
  conversation_id: conversation,
  role: 'user',
  content,
  created_at: at,
  updated_at: at,
});

/** The requests. Each round uses new IDs. */
const REQUESTS: readonly Request[] = [
  ['LIST_CONVERSATIONS', 'the first page', () => ({})],
  ['LIST_CONVERSATIONS', 'a late page', () => ({ offset: 9_000 })],
  ['GET_CONVERSATION', 'one conversation', (round) => ({ id: `c${round * 1000}` })],
  ['SEARCH_CONVERSATIONS', 'a word in every message', () => ({ query: 'common' })],
  ['SEARCH_CONVERSATIONS', 'a very common prefix', () => ({ query: 'w' })],
  ['SEARCH_CONVERSATIONS', 'a rare word', () => ({ query: 'common w123' })],
  ['SEARCH_CONVERSATIONS', 'text without spaces', () => ({ query: '天気' })],
  ['CREATE_CONVERSATION', 'one', (round) => ({ id: `new${round}`, title: 'new' })],
  [
    'ADD_MESSAGES',
    'two messages',
    (round) => ({
      id: `new${round}`,
      messages: [
        { role: 'user', content: 'a' },
        { role: 'user', content: 'b' },
      ],
    }),
  ],
  ['DELETE_CONVERSATION', 'with 20 messages', (round) => ({ id: `c${round}` })],
  ['SYNC_PULL', 'the first page', () => ({})],
  ['EXPORT_CONVERSATIONS', 'a page of messages', () => ({ cursor: '10000.100000' })],
  [
    'IMPORT_CONVERSATIONS',
    `${IMPORTED_ROWS} messages`,
    (round) => ({
      rows: Array.from({ length: IMPORTED_ROWS }, (_, i) =>
        messageRow(`import${round}-${i}`, `import${round}`, textOf(i)),
      ),
    }),
  ],
  [
    'IMPORT_CONVERSATIONS',
    'a message of 600 KiB',
    (round) => ({ rows: [messageRow(`large${round}`, 'large', 'large '.repeat(100_000), now + round)] }),
  ],
  ['GET_CONVERSATION', 'messages of 600 KiB', () => ({ id: 'large' })],
];

const random = seededRandom(1);
function textOf(at: number): string {
  const words = Array.from({ length: WORDS }, () => `w${Math.floor(random() ** 3 * 20_000)}`);
  return `common ${words.join(' ')} number ${at}`;
}

async function fill(file: string, logFile: string): Promise<void> {
  const store = await Conversations.open(file, createLogger({ file: logFile, debug: false }));
  const batch = 500;
  for (let from = 0; from < CONVERSATIONS; from += batch) {
    const ids = Array.from({ length: batch }, (_, i) => from + i);
    const heading = { user_id: 'default', topic: null, domain: null, deleted: false };
    const conversations = ids.map((at) => ({
      ...heading,
      id: `c${at}`,
      title: `Title ${textOf(at)}`,
      created_at: now + at,
      updated_at: now + at,
    }));
    const messages = ids.flatMap((at) =>
      Array.from({ length: MESSAGES }, (_, i) => ({
        ...messageRow(`m${at}-${i}`, `c${at}`, textOf(i), now + at),
        deleted: false,
      })),
    );
    store.push({ conversations, messages });
  }
  fillVectors(store);
  store.close();
}

/** Stores a random vector of the embedding model for every message. */
function fillVectors(store: Conversations): void {
  const vectors = store.vectorsOf(`${REPO}/${EMBEDDER}`);
  const dimensions = bertVector(EMBEDDED_WORDS, 'common').length;
  vectors.start(dimensions);
  for (let missing = vectors.withoutVector(5000); missing.length > 0; missing = vectors.withoutVector(5000)) {
    vectors.store(
      missing.map((of) => ({ of, vector: unit(Float32Array.from({ length: dimensions }, () => random() - 0.5)) })),
    );
  }
}

/** Sends a request that must succeed. Returns its duration in milliseconds. */
async function timeOf(host: HostProcess, action: string, fields: Fields = {}): Promise<number> {
  const start = performance.now();
  const reply = await host.request(action, fields);
  if (reply.status !== 'success') throw new Error(`${action} failed: ${JSON.stringify(reply)}`);
  return performance.now() - start;
}

/** Repeats a request until `work` has ended. Returns its longest duration in milliseconds. */
async function slowest(host: HostProcess, action: string, work: Promise<unknown>): Promise<number> {
  let isRunning = true;
  const end = work.finally(() => {
    isRunning = false;
  });
  let longest = 0;
  while (isRunning) {
    longest = Math.max(longest, await timeOf(host, action));
    await Promise.race([end, delay(2)]);
  }
  await end;
  return longest;
}

async function measure(host: HostProcess, [action, what, fields]: Request, rounds = ROUNDS): Promise<BenchResult> {
  const times: number[] = [];
  const pings: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const request = timeOf(host, action, fields(round)).then((time) => times.push(time));
    pings.push(await slowest(host, 'PING', request));
  }
  return resultOf(`${action}, ${what}`, {
    request: [median(times), REQUEST_LIMIT_MS],
    ping: [median(pings), PING_LIMIT_MS],
  });
}

/** Measures a push while another host stores messages. */
async function measureBeside(host: HostProcess, writer: HostProcess): Promise<BenchResult> {
  const rows = (round: number) =>
    Array.from({ length: IMPORTED_ROWS }, (_, i) => messageRow(`beside${round}-${i}`, `beside${round}`, textOf(i)));
  const pushes: number[] = [];
  const pings: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const writing = Promise.all(
      [0, 1, 2].map((part) => timeOf(writer, 'SYNC_PUSH', { messages: rows(round * 6 + part) })),
    );
    const push = timeOf(host, 'SYNC_PUSH', { messages: rows(round * 6 + 3) }).then((time) => pushes.push(time));
    pings.push(await slowest(host, 'PING', Promise.all([push, writing])));
  }
  return resultOf(`SYNC_PUSH, ${IMPORTED_ROWS} messages while another host writes`, {
    request: [median(pushes), REQUEST_LIMIT_MS],
    ping: [median(pings), PING_LIMIT_MS],
  });
}

/** Measures other requests during a search by meaning, which compares all messages. */
async function measureMeaning(host: HostProcess): Promise<BenchResult> {
  const search = () => timeOf(host, 'SEARCH_CONVERSATIONS', { query: 'common number', by: 'meaning' });
  const whole = await search();
  const lists: number[] = [];
  const pings: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const searching = search();
    const [list, ping] = await Promise.all([
      slowest(host, 'LIST_CONVERSATIONS', searching),
      slowest(host, 'PING', searching),
    ]);
    lists.push(list);
    pings.push(ping);
  }
  const name = `LIST_CONVERSATIONS during a search by meaning of ${Math.round(whole)} ms`;
  return resultOf(name, { request: [median(lists), REQUEST_LIMIT_MS], ping: [median(pings), PING_LIMIT_MS] });
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

/** @param measured Durations and their limits, in milliseconds. */
function resultOf(
  what: string,
  { request, ping }: Record<'request' | 'ping', readonly [ms: number, most: number]>,
): BenchResult {
  const ratio = Math.max(request[0] / request[1], ping[0] / ping[1]);
  return {
    name: `${what}, with ${CONVERSATIONS.toLocaleString('en')} conversations`,
    ratio,
    goal: `at most 1: request / ${request[1]} ms and PING meanwhile / ${ping[1]} ms`,
    ok: ratio <= 1,
    detail: `${request[0].toFixed(1)} ms, PING at most ${ping[0].toFixed(1)} ms (median of rounds)`,
  };
}
