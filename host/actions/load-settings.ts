import type { RequestedSettings } from '../models/loaded-entry.ts';
import type { LoadedModel } from '../models/model-engine.ts';
import type { RequestOf } from '../protocol/messages.ts';

/** Settings in which a loaded model differs from a request, by name. */
export type SettingDifferences = Record<string, { readonly loaded: unknown; readonly requested: unknown }>;

/** The settings of llama.cpp and its binding where a request chooses none. */
const DEFAULTS: RequestedSettings = {
  use_mmap: true,
  use_mlock: false,
  use_direct_io: false,
  cache_type_k: 'f16',
  cache_type_v: 'f16',
};

/** Returns the settings of the load that a request chooses. */
export function requestedSettings({ n_gpu_layers, n_ctx, settings = {} }: RequestOf<'LOAD_MODEL'>): RequestedSettings {
  const { force: _, ...chosen } = { n_gpu_layers, n_ctx, ...settings };
  return Object.fromEntries(
    NAMES.flatMap((name) => (chosen[name] === undefined || chosen[name] === null ? [] : [[name, chosen[name]]])),
  );
}

const NAMES = [
  'n_gpu_layers',
  'n_ctx',
  'n_parallel',
  'n_threads',
  'n_batch',
  'use_mmap',
  'use_mlock',
  'use_direct_io',
  'flash_attn',
  'cache_type_k',
  'cache_type_v',
  'chat_template',
] as const;

/**
 * Returns the settings of a request that a loaded model does not have. A setting that the request leaves open, that its
 * load chose as well, or that came about by itself, is no difference.
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
    if (requested !== loadedWith[name] && requested !== loaded && !isMet(name, requested, model, loadedWith)) {
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
  return loadedWith[name] ?? DEFAULTS[name];
}

/** Layers: -1 is as many as fit, which a load chooses by itself; all is all, however large the number. */
function isMet(name: string, requested: unknown, model: LoadedModel, loadedWith: RequestedSettings): boolean {
  if (name !== 'n_gpu_layers') return false;
  if (requested === -1) return loadedWith.n_gpu_layers === undefined;
  return model.cpuLayers === 0 && typeof requested === 'number' && requested >= model.gpuLayers;
}
