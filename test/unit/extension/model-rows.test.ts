import { describe, expect, it } from '@jest/globals';
import { viewErrorCode } from '../../../extension/page/error-view.ts';
import { type ModelFilter, NO_FILTER } from '../../../extension/page/model-filter.ts';
import {
  type AvailableModel,
  announcements,
  type DownloadedModel,
  filterRows,
  type LiveFacts,
  type LoadedModel,
  type ModelFacts,
  type ModelStage,
  modelRows,
} from '../../../extension/page/model-rows.ts';
import { machineWith } from '../../support/extension/machine.ts';

const EMPTY: ModelFacts = { available: [], downloaded: [], loaded: [], downloads: [], current: null };
const NO_EVENTS: LiveFacts = { downloads: new Map(), loads: new Map(), errors: new Map(), elsewhere: new Set() };

function model(id: string, more: Partial<AvailableModel> = {}): AvailableModel {
  const [owner = '', repo = '', file = ''] = id.split('/');
  return {
    modelId: id,
    id,
    name: file.replace('.gguf', ''),
    repo_id: `${owner}/${repo}`,
    file_path: file,
    model_type: 'gguf',
    size_gb: 1.5,
    tags: ['chat'],
    suggested: true,
    downloaded: false,
    description: 'A model.',
    default_quant: 'Q4_K_M',
    source: 'default',
    requires_token: false,
    ...more,
  };
}

function loaded(id: string): LoadedModel {
  return {
    modelId: id,
    model_id: id,
    loaded_to: 'CPU',
    gpu_layers: 0,
    cpu_layers: 2,
    vram_used: 0,
    ram_used: 5,
    loaded_at: 1,
    config: { vocab_size: 1, context_size: 512, embedding_dim: 1, file_size: 7, model_type: 'gguf' },
  };
}

const download = { downloaded: 5, total: 10, progress: 50, started_at: 1 };

describe('the list of models', () => {
  it('shows the estimated speed, if there is one', () => {
    const estimate = { fits: true, loadedTo: 'CPU', tokensPerSecond: 16, reason: 'It fits.' } as const;
    const available = [
      model('a/b/known.gguf', { estimate }),
      model('a/b/unmeasured.gguf', { estimate: { ...estimate, tokensPerSecond: null } }),
      model('a/b/unknown.gguf'),
    ];
    const rows = modelRows({ ...EMPTY, available }, NO_EVENTS);
    expect(rows.map(({ tokensPerSecond }) => tokensPerSecond)).toEqual([16, undefined, undefined]);
  });

  it('shows first, of the installed models, those that another host has loaded', () => {
    const downloaded = ['a/a/one.gguf', 'a/a/two.gguf'].map((id) => ({ ...model(id, { downloaded: true }), size: 1 }));
    const elsewhere = new Set(['a/a/two.gguf', 'a/a/available.gguf']);
    const rows = modelRows(
      { ...EMPTY, available: [model('a/a/available.gguf')], downloaded },
      { ...NO_EVENTS, elsewhere },
    );
    expect(rows.map(({ id, isElsewhere }) => [id, isElsewhere])).toEqual([
      ['a/a/two.gguf', true],
      ['a/a/one.gguf', false],
      ['a/a/available.gguf', false],
    ]);
  });

  it('contains each model once, loaded ones first, with the size on the disk', () => {
    const rows = modelRows(
      {
        available: [
          model('a/a/available.gguf'),
          model('a/a/installed.gguf', { downloaded: true }),
          model('a/a/partial.gguf'),
        ],
        downloaded: [{ ...model('a/a/installed.gguf', { downloaded: true }), size: 123 }],
        loaded: [loaded('b/b/loaded.gguf')],
        downloads: [
          {
            modelId: 'a/a/partial.gguf',
            repo_id: 'a/a',
            file_path: 'partial.gguf',
            status: 'downloading',
            ...download,
          },
        ],
        current: 'b/b/loaded.gguf',
      },
      NO_EVENTS,
    );
    expect(rows.map(({ id, stage, size }) => [id, stage, size])).toEqual([
      ['b/b/loaded.gguf', 'loaded', 7],
      ['a/a/partial.gguf', 'downloading', 10],
      ['a/a/installed.gguf', 'downloaded', 123],
      ['a/a/available.gguf', 'available', 1_500_000_000],
    ]);
    expect(rows[0]).toMatchObject({ active: true, name: 'loaded', repo: 'b/b' });
  });

  it('shows a download of newer files under the name of the model that they replace', () => {
    const id = 'a/a/m.gguf';
    const staged = `a/a@${'0'.repeat(40)}/m.gguf`;
    const newer = { size: 20, changedAt: 1_700_000_000 };
    const facts: ModelFacts = {
      ...EMPTY,
      downloaded: [{ ...model(id, { downloaded: true }), size: 10, newer }],
      downloads: [
        { modelId: staged, repo_id: 'a/a', file_path: 'm.gguf', status: 'downloading', updateOf: id, ...download },
      ],
    };
    expect(modelRows(facts, NO_EVENTS)).toMatchObject([
      { id: staged, name: 'm', repo: 'a/a', stage: 'downloading', update: 'download', newer },
      { id, name: 'm', repo: 'a/a', stage: 'downloaded', update: 'replaced', newer },
    ]);
    expect(modelRows({ ...facts, downloads: [] }, NO_EVENTS)).toMatchObject([{ id, update: undefined, newer }]);
  });

  it('prefers the progress in events to that in the last reply', () => {
    const facts: ModelFacts = {
      ...EMPTY,
      downloads: [{ modelId: 'a/a/m.gguf', repo_id: 'a/a', file_path: 'm.gguf', status: 'downloading', ...download }],
    };
    const event = { modelId: 'a/a/m.gguf', repoId: 'a/a', fileName: 'm.gguf', loaded: 8, total: 10, progress: 80 };
    const live = { ...NO_EVENTS, downloads: new Map([['a/a/m.gguf', { ...event, bytesPerSecond: 2, etaSeconds: 1 }]]) };
    expect(modelRows(facts, NO_EVENTS)[0]?.progress).toEqual({ percent: 50, loaded: 5, total: 10 });
    expect(modelRows(facts, live)[0]?.progress).toEqual({
      percent: 80,
      loaded: 8,
      total: 10,
      bytesPerSecond: 2,
      etaSeconds: 1,
    });
  });

  it('shows the activity of a download while no data arrives', () => {
    const next = { action: 'wait' as const, inSeconds: 23, code: 'RATE_LIMITED' };
    const activity = { connections: 0, stalled: true, stalledSince: 5, next };
    const partial = { modelId: 'a/a/m.gguf', repo_id: 'a/a', file_path: 'm.gguf', status: 'downloading' as const };
    const facts: ModelFacts = { ...EMPTY, downloads: [{ ...partial, ...download, ...activity }] };
    expect(modelRows(facts, NO_EVENTS)[0]?.progress).toMatchObject({ connections: 0, stalledSince: 5, next });
  });

  it('shows the error of a failed download, or of the last action', () => {
    const error = { code: 'DISK_FULL', message: 'The disk is full.' };
    const facts: ModelFacts = {
      ...EMPTY,
      downloads: [{ modelId: 'a/a/m.gguf', repo_id: 'a/a', file_path: 'm.gguf', status: 'failed', ...download, error }],
    };
    expect(modelRows(facts, NO_EVENTS)[0]).toMatchObject({
      stage: 'failed',
      error: { code: 'DISK_FULL', actions: ['freeSpace'], message: 'The disk is full.' },
    });
    const live = { ...NO_EVENTS, errors: new Map([['a/a/m.gguf', viewErrorCode('CACHE_LIMIT', 'Over the limit.')]]) };
    expect(modelRows(facts, live)[0]?.error).toMatchObject({ code: 'CACHE_LIMIT' });
  });

  it('is searched by all words in name, ID, description and tags', () => {
    const rows = modelRows(
      { ...EMPTY, available: [model('a/small/One-Q8.gguf'), model('b/big/Two.gguf', { tags: ['vision'] })] },
      NO_EVENTS,
    );
    const found = (query: string) => filterRows(rows, query, NO_FILTER, undefined).map(({ name }) => name);
    expect(found('')).toEqual(['One-Q8', 'Two']);
    expect(found('SMALL one')).toEqual(['One-Q8']);
    expect(found('vision')).toEqual(['Two']);
    expect(found('one two')).toEqual([]);
  });

  it('is listed before suggested ones if the user added it', () => {
    const available = [model('a/a/One.gguf'), model('a/a/Mine.gguf', { source: 'user' })];
    expect(modelRows({ ...EMPTY, available }, NO_EVENTS).map(({ name }) => name)).toEqual(['Mine', 'One']);
  });

  it('is filtered by all selected capabilities, by fit, size and license', () => {
    const available = [
      model('a/a/Chat.gguf', { size_gb: 1, tags: ['license:apache-2.0'] }),
      model('a/a/Coder-R1.gguf', { size_gb: 100, tags: ['license:llama3.1'] }),
      model('a/a/bge-small.gguf', { size_gb: 0.1, tags: [] }),
    ];
    const rows = modelRows({ ...EMPTY, available }, NO_EVENTS);
    const filtered = (filter: Partial<ModelFilter>) =>
      filterRows(rows, '', { ...NO_FILTER, ...filter }, machineWith(16e9)).map(({ name }) => name);
    expect(filtered({ capabilities: new Set(['chat']) })).toEqual(['Chat', 'Coder-R1']);
    expect(filtered({ capabilities: new Set(['code', 'reasoning']) })).toEqual(['Coder-R1']);
    expect(filtered({ capabilities: new Set(['embedding']) })).toEqual(['bge-small']);
    expect(filtered({ fits: true })).toEqual(['Chat', 'bge-small']);
    expect(filtered({ maxSize: 0.5e9 })).toEqual(['bge-small']);
    expect(filtered({ isOpenSource: true })).toEqual(['Chat']);
  });

  it('has no capabilities if its file is not a model, so it is not offered for chat', () => {
    const adapter = { ...model('a/a/adapter.gguf'), kind: 'adapter', size: 1 } as unknown as DownloadedModel;
    expect(modelRows({ ...EMPTY, downloaded: [adapter] }, NO_EVENTS)[0]).toMatchObject({
      kind: 'adapter',
      capabilities: [],
    });
  });

  it("prefers the host's information about a loaded model to its name", () => {
    const reported = { ...loaded('a/a/gte-chat.gguf'), capabilities: ['generate' as const] };
    expect(modelRows({ ...EMPTY, loaded: [reported] }, NO_EVENTS)[0]?.capabilities).toContain('chat');
    const embedding = { ...loaded('a/a/plain.gguf'), capabilities: ['embed' as const] };
    expect(modelRows({ ...EMPTY, loaded: [embedding] }, NO_EVENTS)[0]?.capabilities).toEqual(['embedding']);
  });

  it('announces each stage change once', () => {
    const available = [model('a/a/One.gguf', { downloaded: true }), model('a/a/Two.gguf')];
    const rows = modelRows({ ...EMPTY, available, loaded: [loaded('b/b/Three.gguf')] }, NO_EVENTS);
    const before = new Map<string, ModelStage>([
      ['a/a/One.gguf', 'loaded'],
      ['b/b/Three.gguf', 'loading'],
    ]);
    expect(announcements(before, rows)).toEqual([
      { key: 'announceLoaded', name: 'Three' },
      { key: 'announceUnloaded', name: 'One' },
    ]);
    expect(announcements(new Map(rows.map(({ id, stage }) => [id, stage])), rows)).toEqual([]);
  });
});
