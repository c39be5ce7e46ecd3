import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { largeModel } from '../support/gguf/large-model.ts';
import { HostProcess, type Message } from '../support/host/host-process.ts';
import { median } from './peers.ts';
import type { BenchResult } from './result.ts';

const MEGABYTES = 40;
const MODEL = 'bench/model/large.gguf';
const CONTEXT = 2048;
const ROUNDS = 9;

/** Messages of the conversation, and the most that a request may take longer than without it. */
const CASES = [
  { messages: 200, goal: 1.1 },
  { messages: 10_000, goal: 1.2 },
] as const;

/** Rows of one request of an import. */
const ROWS = 1_000;

/** Characters of earlier messages that the host reads for a context: 16 for each token, as in `generation-run.ts`. */
const READ_CHARACTERS = CONTEXT * 16;

const TEMPLATE = `{% for m in messages %}{{ m.role }}: {{ m.content }}
{% endfor %}assistant:`;

/**
 * A question in a stored conversation (`chat_id`), compared with the same request with the messages in it: the time to the
 * first token with everything evaluated before, which is when the layer between weighs most, and the whole request of one
 * token.
 */
export async function run(): Promise<BenchResult[]> {
  const home = await mkdtemp(join(tmpdir(), 'tabagent-bench-'));
  try {
    const file = join(home, 'models', MODEL);
    await mkdir(dirname(file), { recursive: true });
    await largeModel(file, { megabytes: MEGABYTES, seed: 1 });
    const host = new HostProcess({ home });
    const settings = { n_gpu_layers: 0, n_ctx: CONTEXT, n_parallel: 1, n_threads: 1 };
    expectSuccess(await host.request('LOAD_MODEL', { modelPath: MODEL, settings }));
    const results: BenchResult[] = [];
    for (const each of CASES) results.push(...(await compare(host, each)));
    await host.close();
    return results;
  } finally {
    await rm(home, { recursive: true });
  }
}

interface Times {
  readonly first: number[];
  readonly whole: number[];
}

async function compare(host: HostProcess, { messages: count, goal }: (typeof CASES)[number]): Promise<BenchResult[]> {
  const id = `chat-${count}`;
  const messages = Array.from({ length: count }, (_, at) => ({
    role: at % 2 === 0 ? 'user' : 'assistant',
    content: `w${at % 1000} w${(at * 7) % 1000}`,
  }));
  for (let from = 0; from < count; from += ROWS) {
    const rows = messages.slice(from, from + ROWS).map((message, at) => ({
      type: 'message',
      id: `${id}-${from + at}`,
      conversation_id: id,
      ...message,
      created_at: 1_800_000_000 + from + at,
      updated_at: 1_800_000_000 + from + at,
    }));
    expectSuccess(await host.request('IMPORT_CONVERSATIONS', { rows }));
  }
  const question = { role: 'user', content: 'w1 w2 w3' };
  const { payload } = expectSuccess(await generate(host, { chat_id: id, message: question.content }));
  const [, answer] = payload.conversation.message_ids;
  const given = { messages: [...read(messages), question], context_overflow: 'trim' };
  const stored: Times = { first: [], whole: [] };
  const plain: Times = { first: [], whole: [] };
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const [times, request] of [
      [plain, given],
      [stored, { chat_id: id, regenerate: answer }],
    ] as const) {
      const { first, whole, promptTokens } = await timed(host, request);
      if (round < 0) continue;
      times.first.push(first);
      times.whole.push(whole);
      if (promptTokens !== payload.usage.promptTokens) throw new Error('The prompts differ');
    }
  }
  const of = (what: keyof Times, name: string): BenchResult => {
    const ratio = median(stored[what].map((ms, at) => ms / (plain[what][at] ?? Number.NaN)));
    const [ours, theirs] = [median(stored[what]), median(plain[what])];
    return {
      name: `${name} in a conversation of ${count.toLocaleString('en')} messages / with the messages in the request`,
      ratio,
      goal: `at most ${goal}`,
      ok: ratio <= goal,
      detail: `${ours.toFixed(1)} ms against ${theirs.toFixed(1)} ms, median of ${ROUNDS}; ${payload.usage.promptTokens} tokens`,
    };
  };
  return [of('first', 'time to first token'), of('whole', 'request of one token')];
}

/** The messages that the host reads for a prompt: the latest, from the first question on. */
function read<T extends { role: string; content: string }>(messages: readonly T[]): T[] {
  let characters = 0;
  let from = messages.length;
  while (from > 0 && characters <= READ_CHARACTERS) characters += Math.max(16, messages[--from]?.content.length ?? 0);
  return messages.slice(messages[from]?.role === 'user' ? from : from + 1);
}

async function timed(host: HostProcess, fields: Message) {
  const begin = performance.now();
  let first = Number.NaN;
  const stop = host.onMessage(({ type }) => {
    if (type === 'generationUpdate') first = performance.now() - begin;
  });
  const { payload } = expectSuccess(await generate(host, fields));
  stop();
  return { first, whole: performance.now() - begin, promptTokens: payload.usage.promptTokens as number };
}

function generate(host: HostProcess, fields: Message): Promise<Message> {
  const settings = { max_new_tokens: 1, do_sample: false, chat_template: TEMPLATE };
  return host.request('GENERATE', { ...fields, settings });
}

function expectSuccess(reply: Message): Message {
  if (reply.status !== 'success') throw new Error(`The host refused: ${reply.message}`);
  return reply;
}
