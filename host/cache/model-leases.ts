import { HostError } from '../common/errors.ts';
import { FileLock } from '../common/file-lock.ts';
import type { Logger } from '../common/log.ts';
import { pause } from '../hub/retry.ts';
import type { ModelName } from '../protocol/model-name.ts';
import type { CacheLayout } from './layout.ts';

/** A deletion takes milliseconds: a load waits for one to end so long, milliseconds. */
const WAIT_MS = 5_000;
/** How often it looks, milliseconds. */
const LOOK_MS = 50;

/** A hold on a model's files. Until it is released, no host on this machine deletes, repairs or moves them. */
export interface ModelLease {
  release(): void;
}

interface Held {
  /** Undefined where no lock could be had, on a read-only disk: there nobody deletes anything either. */
  readonly lock: FileLock | undefined;
  count: number;
}

/**
 * Which models this host uses, for the other hosts to see: a share of each model's lock, which a killed host leaves to
 * the system to release.
 */
export class ModelLeases {
  readonly #layout: CacheLayout;
  readonly #log: Logger;
  /** By model id. */
  readonly #held = new Map<string, Held>();

  constructor(layout: CacheLayout, log: Logger) {
    this.#layout = layout;
    this.#log = log;
  }

  /** Takes a lease. Throws `MODEL_IN_USE` when another host is deleting, repairing or moving the model and does not end. */
  async take(name: ModelName, signal: AbortSignal): Promise<ModelLease> {
    for (let waited = 0; !this.#tryTake(name); waited += LOOK_MS) {
      if (waited >= WAIT_MS) throw beingChanged(name);
      await pause(LOOK_MS, signal);
    }
    let isReleased = false;
    return {
      release: () => {
        if (!isReleased) this.#release(name.id);
        isReleased = true;
      },
    };
  }

  /** Says whether this host uses a model. */
  has(name: ModelName): boolean {
    return this.#held.has(name.id);
  }

  /** Takes a model for this host alone, to change its files. Undefined while anybody uses it, this host included. */
  takeAlone(name: ModelName): FileLock | undefined {
    return this.#held.has(name.id) ? undefined : FileLock.try(this.#layout.usePath(name));
  }

  /** Ends every use. */
  close(): void {
    for (const { lock } of this.#held.values()) lock?.release();
    this.#held.clear();
  }

  #tryTake(name: ModelName): boolean {
    const held = this.#held.get(name.id);
    if (held !== undefined) {
      held.count += 1;
      return true;
    }
    let lock: FileLock | undefined;
    try {
      lock = FileLock.share(this.#layout.usePath(name));
      if (lock === undefined) return false;
    } catch (error) {
      // What is on a disk that cannot be written to is loaded all the same.
      this.#log.warn('cache.no-use-lock', { id: name.id, error });
    }
    this.#held.set(name.id, { lock, count: 1 });
    return true;
  }

  #release(id: string): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    held.count -= 1;
    if (held.count > 0) return;
    held.lock?.release();
    this.#held.delete(id);
  }
}

function beingChanged({ id }: ModelName): HostError {
  return new HostError(
    'MODEL_IN_USE',
    `${id} is being deleted or repaired by another host process. Try again when that has finished.`,
    {
      details: { models: [id] },
    },
  );
}
