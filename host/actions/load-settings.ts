import { isDeepStrictEqual } from 'node:util';
import { defined } from '../common/defined.ts';
import type { RequestedSettings } from '../models/loaded-entry.ts';
import type { LoadedModel } from '../models/model-engine.ts';
import { loadSettings, savedLoadSettings } from '../protocol/actions/load.ts';
import type { RequestOf } from '../protocol/messages.ts';

/** Settings in which a loaded model differs from a request, by name. */
export type SettingDifferences = Record<string, { readonly loaded: unknown; readonly requested: unknown }>;

/** The settings of llama.cpp and its binding where a request chooses none. */
export const DEFAULTS = {
  use_mmap: true,
  use_mlock: false,
  use_direct_io: false,
  cache_type_k: 'f16',
  cache_type_v: 'f16',
} as const satisfies RequestedSettings;

export type ChosenSettings = NonNullable<RequestOf<'LOAD_MODEL'>['settings']>;

/** Returns the settings that a request chooses, in `settings` or at its top level. */
export function chosenSettings(request: RequestOf<'LOAD_MODEL'>): ChosenSettings {
  const names = Object.keys(loadSettings) as (keyof typeof loadSettings)[];
  const topLevel = Object.fromEntries(names.map((name) => [name, request[name]]));
  return { ...defined(topLevel), ...request.settings };
}

/** Returns the settings that a request chooses by which a loaded model can differ from it. */
export function requestedSettings(request: RequestOf<'LOAD_MODEL'>): RequestedSettings {
  const chosen = chosenSettings(request);
  const names = Object.keys(savedLoadSettings) as (keyof typeof savedLoadSettings)[];
  return defined(Object.fromEntries(names.map((name) => [name, chosen[name]])));
}

/**
 * Returns the settings of a request that a loaded model does not have. A setting that the request leaves open, that its
 * load chose as well, or that the load arrived at without being asked, is no difference.
 *
 * @param loadedWith The settings that the request for the model's load chose; undefined if it is not loaded.
 */
export function changedSettings(
  request: RequestOf<'LOAD_MODEL'>,
  model: LoadedModel,
  loadedWith: RequestedSettings | undefined,
): SettingDifferences {
  if (loadedWith === undefined || model.modelType === 'remote') return {};
  const differences: SettingDifferences = {};
  for (const [name, requested] of Object.entries(requestedSettings(request))) {
    const loaded = actualSetting(name, model, loadedWith);
    const isSame = [loadedWith[name], loaded].some((value) => isDeepStrictEqual(value, requested));
    if (!isSame && !isMet(name, requested, model, loadedWith)) {
      differences[name] = { loaded: loaded ?? null, requested };
    }
  }
  return differences;
}

function actualSetting(name: string, model: LoadedModel, loadedWith: RequestedSettings): unknown {
  if (name === 'n_ctx') return model.contextSize;
  if (name === 'n_parallel') return model.sequences;
  if (name === 'flash_attn') return model.flashAttention;
  if (name === 'n_gpu_layers') return model.gpuLayers;
  if (name === 'lora') return model.lora ?? [];
  if (name === 'draft_model') return model.draftModel ?? null;
  return loadedWith[name] ?? (DEFAULTS as RequestedSettings)[name];
}

/**
 * Returns whether a model has the layers on the GPU that a request asks for: -1 means as many as fit, the choice of a load
 * without the setting; any number that is not less than that of the model's layers means all of them.
 */
function isMet(name: string, requested: unknown, model: LoadedModel, loadedWith: RequestedSettings): boolean {
  if (name !== 'n_gpu_layers') return false;
  if (requested === -1) return loadedWith.n_gpu_layers === undefined;
  return model.cpuLayers === 0 && typeof requested === 'number' && requested >= model.gpuLayers;
}
