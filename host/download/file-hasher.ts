import { Worker } from 'node:worker_threads';
import { cacheError } from '../common/cache-errors.ts';
import { type HashAnswer, type HashRequest, type HashThreadData, hashThread } from './hash-thread.ts';
import type { PartialFile } from './partial-file.ts';

/** The source text of the thread. */
const SOURCE = `(${hashThread})(require('node:worker_threads'), require('node:fs'), require('node:crypto'));`;

/** A request without its id. */
type NewRequest = HashRequest extends infer O ? (O extends HashRequest ? Omit<O, 'id'> : never) : never;

interface PendingRequest {
  resolve(value: string | boolean): void;
  reject(error: unknown): void;
}

/**
 * Computes the checksum of a file while it is written, in a separate thread: at a gigabyte per second, hashing uses
 * half of a core, which the main thread needs for the network. The bytes are read from the file, that is, from the
 * system's page cache.
 */
export class FileHasher {
  readonly #worker: Worker;
  readonly #path: string;
  readonly #pending = new Map<number, PendingRequest>();
  #nextId = 1;
  #error: unknown;

  constructor(file: PartialFile, data: Omit<HashThreadData, 'descriptor'>) {
    this.#path = file.path;
    this.#worker = new Worker(SOURCE, {
      eval: true,
      name: 'tabagent-hash',
      workerData: { ...data, descriptor: file.descriptor } satisfies HashThreadData,
      // The flags of this process (a test runner's loader, a debugger's port) must not apply to the thread.
      execArgv: [],
    });
    this.#worker.on('message', (answer: HashAnswer) => this.#answer(answer));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('The hashing thread exited')));
  }

  /**
   * Adds a range to the checksum of the whole file. Adds nothing and resolves with false if the checksum of the range
   * (see `chunkChecksum`) is not `expected`, the file is too short, or the bytes before the range were not added.
   */
  async extend(offset: number, length: number, expected?: string): Promise<boolean> {
    return (await this.#request({ kind: 'extend', offset, length, expected })) as boolean;
  }

  /** Returns the checksum of all added bytes, in hex. Can be called only once. */
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
    this.#pending.set(id, { resolve, reject });
    this.#worker.postMessage({ id, ...request } satisfies HashRequest);
    return promise;
  }

  #answer(answer: HashAnswer): void {
    const pending = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if ('error' in answer)
      pending?.reject(cacheError(Object.assign(new Error(answer.error.message), answer.error), this.#path));
    else pending?.resolve(answer.value);
  }

  #fail(error: unknown): void {
    this.#error ??= error;
    for (const { reject } of this.#pending.values()) reject(this.#error);
    this.#pending.clear();
  }
}
