import { defined } from '../common/defined.ts';
import type { Logger } from '../common/log.ts';
import { validate } from '../common/validate.ts';
import { withFileLock } from '../common/with-file-lock.ts';
import { modelSettings, type SavedModelSettings } from '../protocol/actions/model-settings.ts';
import type { Namespace } from '../store/types.ts';

/** Settings to change. Missing ones stay the same; null removes one. */
export type ModelSettingsChanges = {
  readonly [K in keyof SavedModelSettings]?: SavedModelSettings[K] | null | undefined;
};

/** The settings of individual models. They are persistent and shared by all hosts of the user. */
export class ModelSettings {
  readonly #store: Namespace<unknown>;
  readonly #log: Logger;
  readonly #lock: string;

  /** @param lock Path of the lock file that hosts lock to change the settings. */
  constructor(store: Namespace<unknown>, lock: string, log: Logger) {
    this.#store = store;
    this.#lock = lock;
    this.#log = log;
  }

  /** Returns the settings of a model. @throws HostError `CACHE_ERROR` if they cannot be read. */
  async get(modelId: string): Promise<SavedModelSettings> {
    const stored = await this.#store.get(modelId);
    if (stored === undefined) return {};
    const { success, output } = validate(modelSettings, stored);
    if (success) return output;
    this.#log.warn('model-settings.unreadable', { modelId });
    return {};
  }

  /**
   * Changes settings of a model and returns all of them.
   *
   * @param changes Values that have passed the request's schema.
   * @throws HostError `DISK_FULL`, `CACHE_NOT_WRITABLE`, `CACHE_ERROR`.
   */
  change(modelId: string, changes: ModelSettingsChanges): Promise<SavedModelSettings> {
    return withFileLock(this.#lock, async () => {
      const saved = await this.get(modelId);
      const changed = defined({
        system_prompt: changeOf(saved.system_prompt, changes.system_prompt),
        generation: changeOf(saved.generation, changes.generation),
        load: changeOf(saved.load, changes.load),
      });
      if (Object.keys(changed).length === 0) await this.#store.delete(modelId);
      else await this.#store.set(modelId, changed);
      return changed;
    });
  }
}

function changeOf<T>(saved: T | undefined, change: T | null | undefined): T | undefined {
  return change === undefined ? saved : (change ?? undefined);
}
