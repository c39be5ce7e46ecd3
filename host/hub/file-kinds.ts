import type { Logger } from '../common/log.ts';
import { BEGINNING_BYTES, readKind } from '../gguf/kind.ts';
import type { FileKind } from '../protocol/file-kinds.ts';
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
  /** By model id; undefined if the header does not determine the kind. A new version of a file has the same kind. */
  readonly #known = new Map<string, FileKind | undefined>();
  /** Time of the last failure, by model id. */
  readonly #failedAt = new Map<string, number>();

  constructor(hub: () => Promise<Pick<Hub, 'beginning'>>, log: Logger) {
    this.#hub = hub;
    this.#log = log;
  }

  /** Returns the kinds of the files, in order; undefined for those that could not be read in time. */
  read(files: readonly { readonly name: ModelName }[], signal: AbortSignal): Promise<(FileKind | undefined)[]> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(READ_TIMEOUT_MS)]);
    return Promise.all(files.map(({ name }) => this.#read(name, limit, signal)));
  }

  async #read(name: ModelName, limit: AbortSignal, signal: AbortSignal): Promise<FileKind | undefined> {
    if (this.#known.has(name.id)) return this.#known.get(name.id);
    if (performance.now() - (this.#failedAt.get(name.id) ?? Number.NEGATIVE_INFINITY) < FAILURE_REMEMBERED_MS) return;
    try {
      const kind = readKind(await (await this.#hub()).beginning(name, BEGINNING_BYTES, { signal: limit }));
      if (this.#known.size >= MAX_KNOWN) this.#known.clear();
      this.#known.set(name.id, kind);
      return kind;
    } catch (error) {
      signal.throwIfAborted();
      if (this.#failedAt.size >= MAX_KNOWN) this.#failedAt.clear();
      this.#failedAt.set(name.id, performance.now());
      // The caller falls back to the name; loading a model checks the whole header.
      this.#log.info('hub.kind-unknown', { id: name.id, error });
      return undefined;
    }
  }
}
