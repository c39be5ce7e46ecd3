import type { Logger } from '../common/log.ts';
import { BEGINNING_BYTES, readKind } from '../gguf/kind.ts';
import type { FileKind } from '../protocol/file-kinds.ts';
import type { ModelName } from '../protocol/model-name.ts';
import type { Hub } from './hub.ts';

/** Longest time that reading kinds may take together, milliseconds: a listing must not wait for them. */
const READ_TIMEOUT_MS = 3_000;

/** Most kinds that are cached. A repository has a handful. */
const MAX_KNOWN = 1_000;

/** How long a file whose beginning could not be read is not requested again, milliseconds: a listing has many pages. */
const FAILURE_REMEMBERED_MS = 60_000;

/** Determines the kinds of files on the hub from their first kilobytes, and caches them. */
export class FileKinds {
  readonly #hub: () => Promise<Pick<Hub, 'beginning'>>;
  readonly #log: Logger;
  /** By model id; undefined where the header does not say. A model stays a model when its file is replaced. */
  readonly #known = new Map<string, FileKind | undefined>();
  /** When reading failed last, by model id. */
  readonly #failedAt = new Map<string, number>();

  constructor(hub: () => Promise<Pick<Hub, 'beginning'>>, log: Logger) {
    this.#hub = hub;
    this.#log = log;
  }

  /** Returns the kinds of files in order, undefined for those that could not be read in time. */
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
      // Without the header, the name decides, and a load checks the whole file.
      this.#log.info('hub.kind-unknown', { id: name.id, error });
      return undefined;
    }
  }
}
