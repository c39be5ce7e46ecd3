import { parentPort, workerData } from 'node:worker_threads';
import { isHostError } from '../common/errors.ts';
import { lazy } from '../common/lazy.ts';
import type { LogFields, Logger } from '../common/log.ts';
import { Conversations } from './conversations.ts';
import type { FromThread, ThreadCall, ThreadData, ThreadError, ToThread } from './thread-protocol.ts';

/**
 * The program of the thread that owns the database of conversations. SQLite works synchronously: a long search, a
 * deletion, a migration, or the wait for another host's write must not keep the host from answering other requests.
 */

const { file }: ThreadData = workerData;

const log: Logger = {
  info: (event, fields) => logLine('info', event, fields),
  warn: (event, fields) => logLine('warn', event, fields),
  error: (event, fields) => logLine('error', event, fields),
};

/** Opened by the first call, and again by the next one if that failed or the database turns out to be damaged. */
let isDamaged = false;
const conversations = lazy(async () => {
  const opened = await Conversations.open(file, log, { onDamage, checkFirst: isDamaged });
  isDamaged = false;
  return opened;
});

function onDamage(): void {
  isDamaged = true;
  conversations.reset();
}

parentPort?.on('message', (message: ToThread) => {
  if (message === 'close') void close();
  else void answer(message);
});

async function answer(call: ThreadCall): Promise<void> {
  try {
    send({ id: call.id, value: await run(call) });
  } catch (error) {
    send({ id: call.id, error: describe(error) });
  }
}

async function run({ method, model, args }: ThreadCall): Promise<unknown> {
  const store = await conversations();
  const target: object = model === undefined ? store : store.vectorsOf(model);
  const call = Reflect.get(target, method) as (...args: readonly unknown[]) => unknown;
  return call.apply(target, [...args]);
}

async function close(): Promise<void> {
  (await conversations.current())?.close();
  parentPort?.close();
}

function describe(error: unknown): ThreadError {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  if (!isHostError(error)) return { message, cause: stack ?? message };
  const { code, details, cause } = error;
  return { code, message, details, ...(cause === undefined ? {} : { cause: String(cause) }) };
}

function logLine(level: 'info' | 'warn' | 'error', event: string, fields: LogFields = {}): void {
  send({ level, event, fields });
}

function send(message: FromThread): void {
  parentPort?.postMessage(message);
}
