import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { HostError } from '../common/errors.ts';
import { hostUpdated, tooManyFiles } from '../common/host-errors.ts';
import type { Logger } from '../common/log.ts';
import type { ErrorCode } from '../protocol/errors.ts';
import type { Conversations } from './conversations.ts';
import type { MessageVectors } from './message-vectors.ts';
import {
  type FromThread,
  METHODS,
  type Remote,
  type ThreadCall,
  type ThreadData,
  type ThreadError,
  type ToThread,
  VECTOR_METHODS,
} from './thread-protocol.ts';

/** The embeddings of one model; see {@link MessageVectors}. */
export type VectorStore = Remote<MessageVectors, (typeof VECTOR_METHODS)[number]>;

/** The conversations of this computer's user, in a separate thread; see {@link Conversations}. */
export interface ConversationStore extends Remote<Conversations, (typeof METHODS)[number]> {
  vectorsOf(model: string): VectorStore;
  /** Closes the database and ends the thread. */
  close(): Promise<void>;
}

/**
 * Starts the thread of the conversations. The first call opens the database.
 *
 * @param options.entry The entry of the host, beside which the thread's program is.
 * @param options.onLost Called when the thread has ended unexpectedly: every call fails from then on.
 */
export function openConversationStore(options: {
  readonly entry: URL;
  readonly file: string;
  readonly log: Logger;
  readonly onLost?: () => void;
}): ConversationStore {
  const thread = new ConversationThread(options);
  return {
    ...remote<Conversations, (typeof METHODS)[number]>(METHODS, (method, args) => thread.call({ method, args })),
    vectorsOf: (model) =>
      remote<MessageVectors, (typeof VECTOR_METHODS)[number]>(VECTOR_METHODS, (method, args) =>
        thread.call({ method, model, args }),
      ),
    close: () => thread.close(),
  };
}

function remote<T, K extends keyof T & string>(
  methods: readonly K[],
  call: (method: K, args: readonly unknown[]) => Promise<unknown>,
): Remote<T, K> {
  const entries = methods.map((method) => [method, (...args: readonly unknown[]) => call(method, args)]);
  return Object.fromEntries(entries) as Remote<T, K>;
}

/**
 * Returns the program of the thread: a module of the sources, or a separate bundle, beside the entry of the built host
 * or in the `lib` folder of the packaged one.
 */
function programBeside(entry: URL): URL {
  const { pathname } = entry;
  if (pathname.endsWith('.ts')) return new URL('./conversations/conversation-thread.ts', entry);
  return new URL(`./${pathname.endsWith('.js') ? '' : 'lib/'}conversations/thread.js`, entry);
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Sends calls to the thread, which keeps the process alive only while it has calls to answer. */
class ConversationThread {
  readonly #worker: Worker;
  readonly #file: string;
  readonly #log: Logger;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited = Promise.withResolvers<undefined>();
  #nextId = 1;
  #isClosing = false;
  #error: HostError | undefined;

  constructor({ entry, file, log, onLost }: Parameters<typeof openConversationStore>[0]) {
    this.#file = file;
    this.#log = log;
    this.#worker = new Worker(fileURLToPath(programBeside(entry)), {
      name: 'tabagent-conversations',
      workerData: { file } satisfies ThreadData,
      // Flags of this process (a test runner's loader, a debugger's port) must not apply to the thread.
      execArgv: [],
    });
    this.#worker.unref();
    this.#worker.on('message', (message: FromThread) => this.#receive(message));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => {
      this.#fail(new Error('The thread of the conversations exited'));
      if (!this.#isClosing) onLost?.();
      this.#exited.resolve(undefined);
    });
  }

  call(call: Omit<ThreadCall, 'id'>): Promise<unknown> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { resolve, reject });
    this.#worker.ref();
    this.#worker.postMessage({ id, ...call } satisfies ToThread);
    return promise;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#error !== undefined) return;
    this.#worker.ref();
    this.#worker.postMessage('close' satisfies ToThread);
    await this.#exited.promise;
  }

  #receive(message: FromThread): void {
    if ('level' in message) {
      this.#log[message.level](message.event, message.fields);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (this.#waiting.size === 0 && !this.#isClosing) this.#worker.unref();
    if ('error' in message) waiting?.reject(errorOf(message.error));
    else waiting?.resolve(message.value);
  }

  #fail(cause: Error): void {
    this.#error ??= whyEnded(cause, this.#file);
    for (const { reject } of this.#waiting.values()) reject(this.#error);
    this.#waiting.clear();
  }
}

/** Returns the error for a thread that ended. Only the message of Node.js says why a thread could not start. */
function whyEnded(cause: Error, file: string): HostError {
  if (/EMFILE|ENFILE|too many open files/.test(cause.message)) return tooManyFiles(file, cause);
  if ('code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND') return hostUpdated(cause);
  return new HostError('CACHE_ERROR', 'The conversations cannot be used. See the log for details.', { cause });
}

function errorOf({ code, message, details, cause }: ThreadError): Error {
  if (code === undefined) return new Error(message, { cause });
  return new HostError(code as ErrorCode, message, { details, cause });
}
