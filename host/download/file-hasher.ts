import { Worker } from 'node:worker_threads';
import { cacheError } from '../common/cache-errors.ts';
import { type HashAnswer, type HashRequest, type HashThreadData, hashThread } from './hash-thread.ts';
import type { PartialFile } from './partial-file.ts';

/** The thread as source text. */
const SOURCE = `(${hashThread})(require('node:worker_threads'), require('node:fs'), require('node:crypto'));`;

/** A request without its id. */
type NewRequest = HashRequest extends infer O ? (O extends HashRequest ? Omit<O, 'id'> : never) : never;

interface Waiting {
  resolve(value: string | boolean): void;
  reject(error: unknown): void;
}

/**
 * Computes the checksum of a file while it is written, in a separate thread: at a gigabyte per second, hashing takes
 * half of a core, and the main thread serves the network. Each piece is read back from the system's page cache.
 */
export class FileHasher {
  readonly #worker: Worker;
  readonly #path: string;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #error: unknown;

  constructor(file: PartialFile, data: Omit<HashThreadData, 'descriptor'>) {
    this.#path = file.path;
    this.#worker = new Worker(SOURCE, {
      eval: true,
      name: 'tabagent-hash',
      workerData: { ...data, descriptor: file.descriptor } satisfies HashThreadData,
      // Flags of this process (a test runner's loader, a debugger's port) must not apply to the thread.
      execArgv: [],
    });
    this.#worker.on('message', (answer: HashAnswer) => this.#answer(answer));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('The hashing thread exited')));
  }

  /**
   * Adds a piece to the checksum of the whole file. Resolves with false, and adds nothing, if its own checksum (see
   * `chunkChecksum`) is not `expected`, the file was truncated, or the bytes before it were not added.
   */
  async extend(offset: number, length: number, expected?: string): Promise<boolean> {
    return (await this.#request({ kind: 'extend', offset, length, expected })) as boolean;
  }

  /** Returns the checksum of all that was added, hex. Can be called once. */
  async digest(): Promise<string> {
    return (await this.#request({ kind: 'digest' })) as string;
  }

  /** Ends the thread and rejects pending requests. Call it before the file is closed. */
  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #request(request: NewRequest): Promise<string | boolean> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<string | boolean>();
    this.#waiting.set(id, { resolve, reject });
    this.#worker.postMessage({ id, ...request } satisfies HashRequest);
    return promise;
  }

  #answer(answer: HashAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('error' in answer)
      waiting?.reject(cacheError(Object.assign(new Error(answer.error.message), answer.error), this.#path));
    else waiting?.resolve(answer.value);
  }

  #fail(error: unknown): void {
    this.#error ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#error);
    this.#waiting.clear();
  }
}
