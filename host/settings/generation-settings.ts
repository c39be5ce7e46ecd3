import * as v from 'valibot';
import type { Logger } from '../common/log.ts';
import { validate } from '../common/validate.ts';
import { withFileLock } from '../common/with-file-lock.ts';
import { type GenerationParams, generationParams } from '../protocol/actions/settings.ts';
import type { Namespace } from '../store/types.ts';

/**
 * The default settings. The sampling parameters are llama.cpp's defaults (`common_params_sampling`), except for a
 * slightly lower temperature, as is usual in chat programs. 1,024 new tokens are enough for a long answer, and stop a
 * model that never ends.
 */
export const DEFAULT_PARAMS: GenerationParams = {
  temperature: 0.7,
  top_p: 0.95,
  top_k: 40,
  min_p: 0.05,
  max_new_tokens: 1_024,
  repetition_penalty: 1,
  do_sample: true,
};

/** The key of the settings in the store. */
const KEY = 'generation';

/** Settings to change. Missing ones stay the same. */
export type GenerationChanges = { readonly [K in keyof GenerationParams]?: GenerationParams[K] | undefined };

/** The default settings of every generation. They are persistent and shared by all hosts of the user. */
export class GenerationSettings {
  readonly #store: Namespace<unknown>;
  readonly #log: Logger;
  readonly #lock: string;

  /** @param lock Path of the lock file that hosts lock to change the settings. */
  constructor(store: Namespace<unknown>, lock: string, log: Logger) {
    this.#store = store;
    this.#lock = lock;
    this.#log = log;
  }

  /** Returns the current settings. @throws HostError `CACHE_ERROR` if they cannot be read. */
  async get(): Promise<GenerationParams> {
    const stored = await this.#store.get(KEY);
    if (stored === undefined) return DEFAULT_PARAMS;
    const { success, output } = validate(v.partial(generationParams), stored);
    if (success) return withChanges(DEFAULT_PARAMS, output);
    this.#log.warn('settings.unreadable', { stored });
    return DEFAULT_PARAMS;
  }

  /**
   * Changes some settings and returns all of them.
   *
   * @param changes Values that have passed the request's schema.
   * @throws HostError `DISK_FULL`, `CACHE_NOT_WRITABLE`, `CACHE_ERROR`.
   */
  change(changes: GenerationChanges): Promise<GenerationParams> {
    return withFileLock(this.#lock, async () => {
      const changed = withChanges(await this.get(), changes);
      await this.#store.set(KEY, changed);
      return changed;
    });
  }
}

/** Returns `params` with the defined values of `changes`. Drops all other fields. */
export function withChanges(params: GenerationParams, changes: GenerationChanges): GenerationParams {
  return {
    temperature: changes.temperature ?? params.temperature,
    top_p: changes.top_p ?? params.top_p,
    top_k: changes.top_k ?? params.top_k,
    min_p: changes.min_p ?? params.min_p,
    max_new_tokens: changes.max_new_tokens ?? params.max_new_tokens,
    repetition_penalty: changes.repetition_penalty ?? params.repetition_penalty,
    do_sample: changes.do_sample ?? params.do_sample,
  };
}
