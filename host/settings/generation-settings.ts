import * as v from 'valibot';
import type { Logger } from '../common/log.ts';
import { withFileLock } from '../common/with-file-lock.ts';
import { type GenerationParams, generationParams } from '../protocol/actions/settings.ts';
import type { Namespace } from '../store/types.ts';

/**
 * The settings of a host that was told nothing. Sampling is llama.cpp's own (`common_params_sampling`), a little calmer
 * by temperature, as chat programs have it; 1,024 new tokens are a long answer, and a bound for a model that never ends.
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

/** Where they are kept. */
const KEY = 'generation';

/** Some of the settings, to be changed; absent ones stay. */
export type GenerationChanges = { readonly [K in keyof GenerationParams]?: GenerationParams[K] | undefined };

/** The settings every generation begins with, kept over restarts. Hosts side by side share them. */
export class GenerationSettings {
  readonly #kept: Namespace<unknown>;
  readonly #log: Logger;
  readonly #lock: string;

  /** @param lock The file lock that hosts take to change the settings. */
  constructor(kept: Namespace<unknown>, lock: string, log: Logger) {
    this.#kept = kept;
    this.#lock = lock;
    this.#log = log;
  }

  /** The settings as they are. @throws HostError `CACHE_ERROR` when they cannot be read. */
  async get(): Promise<GenerationParams> {
    const kept = await this.#kept.get(KEY);
    if (kept === undefined) return DEFAULT_PARAMS;
    const { success, output } = v.safeParse(v.partial(generationParams), kept);
    if (success) return withChanges(DEFAULT_PARAMS, output);
    this.#log.warn('settings.unreadable', { kept });
    return DEFAULT_PARAMS;
  }

  /**
   * Changes some of them; gives all of them back as they are now.
   *
   * @param changes Values that have passed the request's schema.
   * @throws HostError `DISK_FULL`, `CACHE_NOT_WRITABLE`, `CACHE_ERROR`.
   */
  change(changes: GenerationChanges): Promise<GenerationParams> {
    return withFileLock(this.#lock, async () => {
      const changed = withChanges(await this.get(), changes);
      await this.#kept.set(KEY, changed);
      return changed;
    });
  }
}

/** `params` with those of `changes` that are there, and no other field. */
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
