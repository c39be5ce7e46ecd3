import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../../host/common/log.ts';
import { readConfig } from '../../host/config.ts';
import { Conversations } from '../../host/conversations/conversations.ts';
import { Host } from '../../host/host.ts';
import { seededRandom } from '../../host/vectors/random.ts';
import type { BenchResult } from './result.ts';

const CONVERSATIONS = 10_000;
const MESSAGES = 20;
const WORDS = 24;
const ROUNDS = 7;
/** Time limit for a request, in milliseconds. */
const REQUEST_LIMIT_MS = 100;
/** Longest time for which a request may delay others, such as PING, in milliseconds. */
const PING_LIMIT_MS = 50;
/** Rows per import request. */
const IMPORTED_ROWS = 200;

type Fields = Record<string, unknown>;

/**
 * Measures how long conversation requests take with 10,000 conversations of 20 messages, and how long they block the
 * event loop, which delays a concurrent PING.
 */
export async function run(): Promise<BenchResult[]> {
  const home = mkdtempSync(join(tmpdir(), 'tabagent-conversations-'));
  const env = { TABAGENT_HOME: home, HOME: home, PATH: process.env.PATH, HF_HUB_OFFLINE: '1' };
  const config = readConfig({ runnerEntry: new URL('../../dist/host/main.js', import.meta.url), env });
  try {
    await fill(config.paths.conversations, config.paths.logFile);
    const host = new Host(config);
    const results = [
      await measure(host, 'LIST_CONVERSATIONS', 'the first request, which opens the database', () => ({}), 1),
    ];
    for (const [action, label, fields] of REQUESTS) results.push(await measure(host, action, label, fields, ROUNDS));
    await host.close();
    return results;
  } finally {
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
const REQUESTS: readonly (readonly [action: string, label: string, fields: (round: number) => Fields])[] = [
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
  store.close();
}

async function measure(
  host: Host,
  action: string,
  label: string,
  fields: (round: number) => Fields,
  rounds: number,
): Promise<BenchResult> {
  const times: number[] = [];
  const delays: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    let last = performance.now();
    let delay = 0;
    const timer = setInterval(() => {
      delay = Math.max(delay, performance.now() - last);
      last = performance.now();
    }, 1);
    const start = performance.now();
    const reply = await host.handle(
      { action, ...fields(round) },
      { client: 'local', signal: new AbortController().signal, emit: () => {} },
    );
    times.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, 5));
    clearInterval(timer);
    delays.push(delay);
    if (reply.status !== 'success') throw new Error(`${action} failed: ${JSON.stringify(reply)}`);
  }
  const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
  const [time, delay] = [median(times), median(delays)];
  const ratio = Math.max(time / REQUEST_LIMIT_MS, delay / PING_LIMIT_MS);
  return {
    name: `${action}, ${label}, with ${CONVERSATIONS.toLocaleString('en')} conversations`,
    ratio,
    goal: `at most 1: request / ${REQUEST_LIMIT_MS} ms, and blocked event loop / ${PING_LIMIT_MS} ms`,
    ok: ratio <= 1,
    detail: `${time.toFixed(1)} ms, event loop blocked for ${delay.toFixed(1)} ms (median of ${rounds})`,
  };
}
