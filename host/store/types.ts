/** Persistent key-value storage. Values are JSON. */
export interface Namespace<T> {
  get(key: string): Promise<T | undefined>;
  getMany(keys: readonly string[]): Promise<(T | undefined)[]>;
  set(key: string, value: T): Promise<void>;
  delete(key: string): Promise<void>;
  deleteMany(keys: readonly string[]): Promise<void>;
  entries(): AsyncIterable<[key: string, value: T]>;
}

/** The database of the user's hosts, which several hosts can have open at the same time. */
export interface Store {
  namespace<T>(name: string): Namespace<T>;
  close(): Promise<void>;
}
