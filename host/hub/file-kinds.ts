import type { Logger } from '../common/log.ts';
import { BEGINNING_BYTES, type FileFacts, readFacts } from '../gguf/kind.ts';
import type { ModelName } from '../protocol/model-name.ts';
import type { Hub } from './hub.ts';

/** Time limit for reading the kinds of all files of a listing, in milliseconds. */
const READ_TIMEOUT_MS = 3_000;

/** Maximum number of cached kinds. A repository has a handful of models. */
const MAX_KNOWN = 1_000;

/** How long a failure to read a file's kind is cached, in milliseconds. */
const FAILURE_REMEMBERED_MS = 60_000;

/** Determines the kinds of files on the hub from their first kilobytes, and caches them. */
export class FileKinds {
  readonly #hub: () => Promise<Pick<Hub, 'beginning'>>;
  readonly #log: Logger;
  /** By model id. A new version of a file has the same kind. */
  readonly #known = new Map<string, FileFacts>();
  /** Time of the last failure, by model id. */
  readonly #failedAt = new Map<string, number>();

  constructor(hub: () => Promise<Pick<Hub, 'beginning'>>, log: Logger) {
    this.#hub = hub;
    this.#log = log;
  }

  /** Returns the kinds of files, in order; undefined for those that could not be read in time. */
  read(files: readonly { readonly name: ModelName }[], signal: AbortSignal): Promise<FileFacts[]> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(READ_TIMEOUT_MS)]);
    return Promise.all(files.map(({ name }) => this.#read(name, limit, signal)));
  }

  async #read(name: ModelName, limit: AbortSignal, signal: AbortSignal): Promise<FileFacts> {
    const known = this.#known.get(name.id);
    if (known !== undefined) return known;
    const failedAt = this.#failedAt.get(name.id) ?? Number.NEGATIVE_INFINITY;
    if (performance.now() - failedAt < FAILURE_REMEMBERED_MS) return {};
    try {
      const facts = readFacts(await (await this.#hub()).beginning(name, BEGINNING_BYTES, { signal: limit }));
      if (this.#known.size >= MAX_KNOWN) this.#known.clear();
      this.#known.set(name.id, facts);
      return facts;
    } catch (error) {
      signal.throwIfAborted();
      if (this.#failedAt.size >= MAX_KNOWN) this.#failedAt.clear();
      this.#failedAt.set(name.id, performance.now());
      // The caller falls back to the name; loading a model checks the whole header.
      this.#log.info('hub.kind-unknown', { id: name.id, error });
      return {};
    }
  }
}
