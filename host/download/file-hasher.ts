import { Worker } from 'node:worker_threads';
import { cacheError } from '../cache/cache-errors.ts';
import { type HashAnswer, type HashRequest, type HashThreadData, hashThread } from './hash-thread.ts';
import type { PartialFile } from './partial-file.ts';

/** The thread as text that runs by itself. */
const SOURCE = `(${hashThread})(require('node:worker_threads'), require('node:fs'), require('node:crypto'));`;

/** An order without the number it gets. */
type Work = HashRequest extends infer O ? (O extends HashRequest ? Omit<O, 'id'> : never) : never;

interface Waiting {
  resolve(value: string | boolean): void;
  reject(error: unknown): void;
}

/**
 * Takes the checksum of a file that is being written, in a thread of its own: at a gigabyte a second that is half of
 * what one core can do, and the other one has the network to serve. Each piece is read back from the system's page cache.
 */
export class FileHasher {
  readonly #worker: Worker;
  readonly #path: string;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #fault: unknown;

  constructor(file: PartialFile, data: Omit<HashThreadData, 'descriptor'>) {
    this.#path = file.path;
    this.#worker = new Worker(SOURCE, {
      eval: true,
      name: 'tabagent-hash',
      workerData: { ...data, descriptor: file.descriptor } satisfies HashThreadData,
      // Flags of this process (a test runner's loader, a debugger's port) are none of the thread's.
      execArgv: [],
    });
    this.#worker.on('message', (answer: HashAnswer) => this.#answer(answer));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('The hashing thread has ended')));
  }

  /**
   * Takes a piece into the checksum of the whole file. False, and nothing is taken in, where its own checksum (see
   * `chunkSum`) is not `expected`, the file has been cut short, or what is before it has not been taken in.
   */
  async extend(offset: number, length: number, expected?: string): Promise<boolean> {
    return (await this.#order({ kind: 'extend', offset, length, expected })) as boolean;
  }

  /** The checksum of all that was taken in, hex. Once. */
  async digest(): Promise<string> {
    return (await this.#order({ kind: 'digest' })) as string;
  }

  /** Ends the thread; what was asked and not answered is rejected. To be called before the file is closed. */
  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #order(work: Work): Promise<string | boolean> {
    if (this.#fault !== undefined) return Promise.reject(this.#fault);
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<string | boolean>();
    this.#waiting.set(id, { resolve, reject });
    this.#worker.postMessage({ id, ...work } satisfies HashRequest);
    return promise;
  }

  #answer(answer: HashAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('fault' in answer)
      waiting?.reject(cacheError(Object.assign(new Error(answer.fault.message), answer.fault), this.#path));
    else waiting?.resolve(answer.value);
  }

  #fail(error: unknown): void {
    this.#fault ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#fault);
    this.#waiting.clear();
  }
}
