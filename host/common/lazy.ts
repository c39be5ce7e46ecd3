/** A value that is created on first use. */
export interface Lazy<T> {
  /** Returns the value. Creates it if it does not exist. */
  (): Promise<T>;
  /** Returns the value if it has been requested; undefined otherwise. Never rejects. */
  current(): Promise<T | undefined>;
  /** Discards the value. The next call creates another one. */
  reset(): void;
}

/**
 * Returns a value that is created on first use. Failures are not cached, because their cause, such as a full disk, may
 * be temporary.
 */
export function lazy<T>(create: () => Promise<T>): Lazy<T> {
  let value: Promise<T> | undefined;
  const get = () => {
    if (value !== undefined) return value;
    const created = create().catch((error: unknown) => {
      if (value === created) value = undefined;
      throw error;
    });
    value = created;
    return created;
  };
  const current = async () => value?.catch(() => undefined);
  const reset = () => {
    value = undefined;
  };
  return Object.assign(get, { current, reset });
}
