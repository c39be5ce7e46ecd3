import { createHash } from 'node:crypto';
import * as v from 'valibot';
import type { Logger } from '../common/log.ts';
import { validate } from '../common/validate.ts';
import type { Namespace, Store } from '../store/types.ts';
import { Classification } from './classification.ts';
import type { FoundFile } from './disk.ts';

/** A database entry for one file, or for all files of one model. */
const CacheEntry = v.object({
  /** Size, modification time and inode of the files. The entry is invalid once any of them has changed. */
  stamp: v.string(),
  sha256: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
  classification: v.optional(Classification),
});
type CacheEntry = v.InferOutput<typeof CacheEntry>;

/**
 * Caches checksums and classifications of external files, so each file is read only once as long as it does not change.
 * If the database is not available, the cache exists only in this process.
 */
export class FileHashCache {
  readonly #store: () => Promise<Store>;
  readonly #log: Logger;
  readonly #entries = new Map<string, CacheEntry>();
  #namespace: Promise<Namespace<unknown> | undefined> | undefined;

  constructor(store: () => Promise<Store>, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  /** Loads the entries of files from the database with one query. Other hosts write to the database too. */
  async load(groups: readonly (readonly FoundFile[])[]): Promise<void> {
    const keys = [...new Set(groups.flatMap((files) => [keyOf(files), ...files.map((file) => keyOf([file]))]))];
    if (keys.length === 0) return;
    const stored = (await this.#try((entries) => entries.getMany(keys))) ?? [];
    stored.forEach((value, at) => {
      const { success, output } = validate(CacheEntry, value);
      const key = keys[at];
      if (success && key !== undefined) this.#merge(key, output);
    });
  }

  /** Returns the cached SHA-256 of a file if it has not changed since. Uses only loaded entries. */
  sha256(file: FoundFile): string | undefined {
    return this.#entry([file])?.sha256;
  }

  /** Returns the cached classification of a model if none of its files has changed since. */
  classification(files: readonly FoundFile[]): Classification | undefined {
    return this.#entry(files)?.classification;
  }

  async setSha256(file: FoundFile, sha256: string): Promise<void> {
    await this.#write([file], { sha256 });
  }

  /**
   * Caches a classification. A rejection is cached in memory only, because a later version may support more
   * architectures.
   */
  async setClassification(files: readonly FoundFile[], classification: Classification): Promise<void> {
    if (classification.kind !== 'rejected') await this.#write(files, { classification });
    else this.#entries.set(keyOf(files), { ...this.#entry(files), stamp: stampOf(files), classification });
  }

  #entry(files: readonly FoundFile[]): CacheEntry | undefined {
    const entry = this.#entries.get(keyOf(files));
    return entry?.stamp === stampOf(files) ? entry : undefined;
  }

  /** Merges an entry written by another host into this host's entry. */
  #merge(key: string, entry: CacheEntry): void {
    const own = this.#entries.get(key);
    this.#entries.set(key, own?.stamp === entry.stamp ? { ...own, ...entry } : entry);
  }

  async #write(files: readonly FoundFile[], values: Pick<CacheEntry, 'sha256' | 'classification'>): Promise<void> {
    await this.load([files]);
    const entry = { ...this.#entry(files), stamp: stampOf(files), ...values };
    this.#entries.set(keyOf(files), entry);
    await this.#try((entries) => entries.set(keyOf(files), entry));
  }

  /** Uses the database. Returns undefined if it is not available; files are then read again. */
  async #try<T>(work: (entries: Namespace<unknown>) => Promise<T>): Promise<T | undefined> {
    this.#namespace ??= this.#store().then(
      (store) => store.namespace('local-files'),
      (error: unknown) => {
        this.#log.warn('external.cache-not-saved', { error });
        this.#namespace = undefined;
        return undefined;
      },
    );
    const entries = await this.#namespace;
    if (entries === undefined) return undefined;
    try {
      return await work(entries);
    } catch (error) {
      this.#log.warn('external.cache-not-saved', { error });
      return undefined;
    }
  }
}

/** Returns a short key for files, whose paths can be long. */
function keyOf(files: readonly FoundFile[]): string {
  return createHash('sha256')
    .update(files.map(({ path }) => path).join('\0'))
    .digest('hex')
    .slice(0, 32);
}

function stampOf(files: readonly FoundFile[]): string {
  const stamps = files.map(({ size, mtimeMs, inode }) => `${size}:${mtimeMs}:${inode}`);
  return stamps.length === 1 ? (stamps[0] ?? '') : createHash('sha256').update(stamps.join()).digest('hex');
}
