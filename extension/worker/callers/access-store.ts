import {
  ACCESS,
  type Access,
  type CallerId,
  dayOf,
  entryOf,
  NO_ACCESS,
  parseAccess,
  parseUsage,
  USAGE,
  type Usage,
} from '../../web-ai/access.ts';

/** The part of the browser's storage that the store uses. */
export interface Storage {
  get(key: string): Promise<Record<string, unknown>>;
  set(items: Record<string, unknown>): Promise<void>;
}

/** The key in `storage.local` of the model that callers used last. */
const LAST_MODEL = 'callerModel';

/** The user's decisions about callers, and what callers have used. The extension's pages change decisions in the storage. */
export class AccessStore {
  readonly #storage: Storage;
  readonly #now: () => number;
  #access: Access = NO_ACCESS;
  #loading: Promise<void> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #lastModel: string | undefined;

  constructor(storage: Storage, now: () => number) {
    this.#storage = storage;
    this.#now = now;
  }

  /** The user's decisions. */
  async load(): Promise<Access> {
    this.#loading ??= this.#storage.get(ACCESS).then(({ [ACCESS]: stored }) => this.changed(stored));
    await this.#loading;
    return this.#access;
  }

  get access(): Access {
    return this.#access;
  }

  /** Applies a change in the storage. */
  changed(stored: unknown): void {
    this.#loading = Promise.resolve();
    this.#access = parseAccess(stored);
  }

  /** Changes what is stored. */
  async update(change: (access: Access) => Access): Promise<void> {
    const before = await this.load();
    const after = change(before);
    if (after === before) return;
    this.#access = after;
    await this.#storage.set({ [ACCESS]: after });
  }

  /** Whether all these callers are allowed. */
  allows(callers: readonly CallerId[]): boolean {
    return callers.every((caller) => entryOf(this.#access, caller)?.state === 'allowed');
  }

  /** Adds to what a caller has used today. */
  count({ id }: CallerId, tokens: number): Promise<void> {
    // One at a time: concurrent writes would lose counts.
    this.#writing = this.#writing.then(async () => {
      const day = dayOf(this.#now());
      const usage: Usage = parseUsage((await this.#storage.get(USAGE))[USAGE], day);
      const { requests, tokens: before } = usage.callers[id] ?? { requests: 0, tokens: 0 };
      const own = { requests: requests + 1, tokens: before + tokens };
      await this.#storage.set({ [USAGE]: { day, callers: { ...usage.callers, [id]: own } } satisfies Usage });
    });
    return this.#writing;
  }

  /** The model that callers used last. */
  async lastModel(): Promise<string | null> {
    if (this.#lastModel !== undefined) return this.#lastModel;
    const { [LAST_MODEL]: stored } = await this.#storage.get(LAST_MODEL);
    return typeof stored === 'string' ? stored : null;
  }

  async setLastModel(id: string): Promise<void> {
    if (this.#lastModel === id) return;
    this.#lastModel = id;
    await this.#storage.set({ [LAST_MODEL]: id });
  }
}
