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

/** One use of a model's files. While it lasts, no host on this machine deletes or moves them. */
export interface ModelLease {
  /** Lets it last until {@link ModelLeases.ended}. */
  keep(): void;
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
  readonly #kept = new Map<string, ModelLease>();

  constructor(layout: CacheLayout, log: Logger) {
    this.#layout = layout;
    this.#log = log;
  }

  /** Begins a use. Throws `MODEL_IN_USE` when another host deletes, mends or moves the model, and goes on doing so. */
  async begin(name: ModelName, signal: AbortSignal): Promise<ModelLease> {
    for (let waited = 0; !this.#take(name); waited += LOOK_MS) {
      if (waited >= WAIT_MS) throw beingChanged(name);
      await pause(LOOK_MS, signal);
    }
    let over = false;
    const use: ModelLease = {
      keep: () => {
        if (this.#kept.has(name.id)) use.release();
        else this.#kept.set(name.id, use);
      },
      release: () => {
        if (!over) this.#release(name.id);
        over = true;
      },
    };
    return use;
  }

  /** Ends the use that was kept, if there is one. */
  ended(id: string): void {
    const use = this.#kept.get(id);
    this.#kept.delete(id);
    use?.release();
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
    this.#kept.clear();
  }

  #take(name: ModelName): boolean {
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
