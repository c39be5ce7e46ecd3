import { createHash } from 'node:crypto';
import * as v from 'valibot';
import type { Logger } from '../common/log.ts';
import { validate } from '../common/validate.ts';
import type { Namespace, Store } from '../store/types.ts';
import { Classification } from './classification.ts';
import type { FoundFile } from './disk.ts';

/** What is remembered of one file, or of the files of one model together. */
const Page = v.object({
  /** Size, time and number the file had then: with any of them changed, nothing of this counts. */
  stamp: v.string(),
  sha256: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
  classification: v.optional(Classification),
});
type Page = v.InferOutput<typeof Page>;

/**
 * What was once found out about files of others: their checksums and what their headers came to, so that each is read
 * once for as long as it stays as it is. Where the database cannot be had, it lasts as long as the host.
 */
export class FileHashCache {
  readonly #store: () => Promise<Store>;
  readonly #log: Logger;
  readonly #pages = new Map<string, Page>();
  #namespace: Promise<Namespace<unknown> | undefined> | undefined;

  constructor(store: () => Promise<Store>, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  /** Brings what the database remembers of these files to hand, with one question: other hosts write to it too. */
  async recall(groups: readonly (readonly FoundFile[])[]): Promise<void> {
    const keys = [...new Set(groups.flatMap((files) => [keyOf(files), ...files.map((file) => keyOf([file]))]))];
    if (keys.length === 0) return;
    const stored = (await this.#try((pages) => pages.getMany(keys))) ?? [];
    stored.forEach((value, at) => {
      const { success, output } = validate(Page, value);
      const key = keys[at];
      if (success && key !== undefined) this.#keep(key, output);
    });
  }

  /** The SHA-256 a file was found to have, if it has not changed since. Asks what was recalled only. */
  sha256(file: FoundFile): string | undefined {
    return this.#page([file])?.sha256;
  }

  /** What the headers of a model's files came to, if none has changed since. */
  classification(files: readonly FoundFile[]): Classification | undefined {
    return this.#page(files)?.classification;
  }

  async setSha256(file: FoundFile, sha256: string): Promise<void> {
    await this.#write([file], { sha256 });
  }

  /** A rejection is kept for this host's time only: a later version may know more architectures. */
  async setClassification(files: readonly FoundFile[], classification: Classification): Promise<void> {
    if (classification.kind !== 'rejected') await this.#write(files, { classification });
    else this.#pages.set(keyOf(files), { ...this.#page(files), stamp: stampOf(files), classification });
  }

  #page(files: readonly FoundFile[]): Page | undefined {
    const page = this.#pages.get(keyOf(files));
    return page?.stamp === stampOf(files) ? page : undefined;
  }

  /** Takes in what another host has found out, and loses nothing of what this one has. */
  #keep(key: string, page: Page): void {
    const own = this.#pages.get(key);
    this.#pages.set(key, own?.stamp === page.stamp ? { ...own, ...page } : page);
  }

  async #write(files: readonly FoundFile[], news: Pick<Page, 'sha256' | 'classification'>): Promise<void> {
    await this.recall([files]);
    const page = { ...this.#page(files), stamp: stampOf(files), ...news };
    this.#pages.set(keyOf(files), page);
    await this.#try((pages) => pages.set(keyOf(files), page));
  }

  /** Does something with the database. That it cannot be had costs no more than having to look again. */
  async #try<T>(work: (pages: Namespace<unknown>) => Promise<T>): Promise<T | undefined> {
    this.#namespace ??= this.#store().then(
      (store) => store.namespace('local-files'),
      (error: unknown) => {
        this.#log.warn('local.not-remembered', { error });
        this.#namespace = undefined;
        return undefined;
      },
    );
    const pages = await this.#namespace;
    if (pages === undefined) return undefined;
    try {
      return await work(pages);
    } catch (error) {
      this.#log.warn('local.not-remembered', { error });
      return undefined;
    }
  }
}

/** Short whatever the paths are. */
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
