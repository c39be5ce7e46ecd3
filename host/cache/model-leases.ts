import { HostError } from '../common/errors.ts';
import { FileLock } from '../common/file-lock.ts';
import type { Logger } from '../common/log.ts';
import { pause } from '../hub/retry.ts';
import type { CacheLayout } from '../model-files/layout.ts';
import type { ModelName } from '../protocol/model-name.ts';

/**
 * How long a load waits for another host to finish deleting the model, in milliseconds. A deletion takes milliseconds.
 */
const TIMEOUT_MS = 5_000;
/** Polling interval, in milliseconds. */
const POLL_MS = 50;

/** A lease on a model's files. Until it is released, no host on this computer deletes, repairs or moves them. */
export interface ModelLease {
  release(): void;
}

interface LeaseEntry {
  /** Undefined if the lock could not be created: on a read-only disk, where nothing can be deleted either. */
  readonly lock: FileLock | undefined;
  count: number;
}

/**
 * The leases of this host on models. Each is a shared lock, which other hosts see; the system releases the locks of a
 * killed host.
 */
export class ModelLeases {
  readonly #layout: CacheLayout;
  readonly #log: Logger;
  /** By model id. */
  readonly #entries = new Map<string, LeaseEntry>();

  constructor(layout: CacheLayout, log: Logger) {
    this.#layout = layout;
    this.#log = log;
  }

  /**
   * Takes a lease. Throws `MODEL_IN_USE` if another host is deleting, repairing or moving the model and does not finish
   * in time.
   */
  async take(name: ModelName, signal: AbortSignal): Promise<ModelLease> {
    for (let waited = 0; !this.#tryTake(name); waited += POLL_MS) {
      if (waited >= TIMEOUT_MS) throw changedElsewhere(name);
      await pause(POLL_MS, signal);
    }
    let isReleased = false;
    return {
      release: () => {
        if (!isReleased) this.#release(name.id);
        isReleased = true;
      },
    };
  }

  /** Returns whether this host has a lease on a model. */
  has(name: ModelName): boolean {
    return this.#entries.has(name.id);
  }

  /**
   * Acquires an exclusive lock on a model, for changing its files. Returns undefined while any host, including this
   * one, has a lease on it.
   */
  takeExclusive(name: ModelName): FileLock | undefined {
    return this.#entries.has(name.id) ? undefined : FileLock.try(this.#layout.usePath(name));
  }

  /** Releases all leases. */
  close(): void {
    for (const { lock } of this.#entries.values()) lock?.release();
    this.#entries.clear();
  }

  #tryTake(name: ModelName): boolean {
    const entry = this.#entries.get(name.id);
    if (entry !== undefined) {
      entry.count += 1;
      return true;
    }
    let lock: FileLock | undefined;
    try {
      lock = FileLock.share(this.#layout.usePath(name));
      if (lock === undefined) return false;
    } catch (error) {
      // A model on a read-only disk can still be loaded.
      this.#log.warn('cache.lease-lock-unavailable', { id: name.id, error });
    }
    this.#entries.set(name.id, { lock, count: 1 });
    return true;
  }

  #release(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    entry.count -= 1;
    if (entry.count > 0) return;
    entry.lock?.release();
    this.#entries.delete(id);
  }
}

function changedElsewhere({ id }: ModelName): HostError {
  return new HostError(
    'MODEL_IN_USE',
    `${id} is being deleted or repaired by another host process. Try again when that has finished.`,
    {
      details: { models: [id] },
    },
  );
}
