import { describe, expect, it } from '@jest/globals';
import { type AvailableModel, modelRows } from '../../../extension/page/model-rows.ts';
import { suggestModels } from '../../../extension/page/suggestions.ts';
import { machineWith } from '../../support/extension/machine.ts';

function model(name: string, size_gb: number, more: Partial<AvailableModel> = {}): AvailableModel {
  return {
    id: `a/b/${name}.gguf`,
    modelId: `a/b/${name}.gguf`,
    name,
    repo_id: 'a/b',
    file_path: `${name}.gguf`,
    model_type: 'gguf',
    size_gb,
    tags: ['chat'],
    suggested: true,
    downloaded: false,
    description: '',
    default_quant: '',
    source: 'default',
    requires_token: false,
    ...more,
  };
}

function suggested(available: AvailableModel[], ram: number, vram = 0): string[] {
  const rows = modelRows(
    { available, downloaded: [], loaded: [], downloads: [], current: null },
    { downloads: new Map(), loads: new Map(), errors: new Map(), elsewhere: new Set() },
  );
  return suggestModels(rows, machineWith(ram, vram)).map(({ row, reason }) => `${reason}: ${row.name}`);
}

describe('the models suggested to a new user', () => {
  const models = [model('xs', 0.5), model('s', 2), model('m', 4), model('l', 7), model('xl', 20)];

  it('are the largest that leaves memory for other programs, a medium one, and the smallest', () => {
    expect(suggested(models, 16e9)).toEqual(['best: l', 'balanced: s', 'smallest: xs']);
  });

  it('are larger with a GPU that can hold them', () => {
    expect(suggested(models, 16e9, 24e9 + 1e9)).toEqual(['best: xl', 'balanced: m', 'smallest: xs']);
  });

  it('are fewer if only few fit, and none if none fits', () => {
    expect(suggested(models, 2e9)).toEqual(['best: xs']);
    expect(suggested(models, 0.4e9)).toEqual([]);
  });

  it('exclude embedding models, installed models, gated models, and models that are not recommended', () => {
    const others = [
      model('bge-m3', 1),
      model('here', 1, { downloaded: true }),
      model('gated', 1, { requires_token: true }),
      model('mine', 1, { suggested: false }),
    ];
    expect(suggested(others, 16e9)).toEqual([]);
  });
});
