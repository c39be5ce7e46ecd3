import { describe, expect, it } from '@jest/globals';
import { changedSettings, chosenSettings } from '../../../host/actions/load-settings.ts';
import type { LoadedModel } from '../../../host/models/model-engine.ts';
import { savedLoadSettings } from '../../../host/protocol/actions/load.ts';

const MODEL = { modelType: 'gguf', contextSize: 4096, sequences: 4, gpuLayers: 0, cpuLayers: 8 } as LoadedModel;

describe('load settings', () => {
  it.each(Object.keys(savedLoadSettings))('can be given at the top level of the request: %s', (name) => {
    expect(chosenSettings({ modelPath: 'm', [name]: 1 })).toEqual({ [name]: 1 });
    expect(chosenSettings({ [name]: 1, settings: { [name]: 2 } })).toEqual({ [name]: 2 });
  });

  it('differ from those of a loaded model in every field of the request that differs', () => {
    const difference = { n_parallel: { loaded: 4, requested: 2 } };
    expect(changedSettings({ n_parallel: 2 }, MODEL, {})).toEqual(difference);
    expect(changedSettings({ settings: { n_parallel: 2 } }, MODEL, {})).toEqual(difference);
  });

  it('do not differ if the load chose the same value', () => {
    expect(changedSettings({ n_parallel: 4, n_ctx: 4096, n_gpu_layers: 0, use_mmap: true }, MODEL, {})).toEqual({});
  });
});
