import { describe, expect, it } from '@jest/globals';
import {
  type AvailableModel,
  filterRows,
  type LiveFacts,
  type LoadedModel,
  type ModelFacts,
  modelRows,
} from '../../../extension/page/model-rows.ts';

const NOTHING: ModelFacts = { available: [], downloaded: [], loaded: [], downloads: [], current: null };
const QUIET: LiveFacts = { downloads: new Map(), loads: new Map(), errors: new Map() };

function model(id: string, more: Partial<AvailableModel> = {}): AvailableModel {
  const [owner = '', repo = '', file = ''] = id.split('/');
  return {
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
  it('has each model once, with the size the disk knows, those at work first', () => {
    const rows = modelRows(
      {
        available: [model('a/a/far.gguf'), model('a/a/here.gguf', { downloaded: true }), model('a/a/coming.gguf')],
        downloaded: [{ ...model('a/a/here.gguf', { downloaded: true }), size: 123 }],
        loaded: [loaded('b/b/working.gguf')],
        downloads: [{ repo_id: 'a/a', file_path: 'coming.gguf', status: 'downloading', ...download }],
        current: 'b/b/working.gguf',
      },
      QUIET,
    );
    expect(rows.map(({ id, stage, size }) => [id, stage, size])).toEqual([
      ['b/b/working.gguf', 'loaded', 7],
      ['a/a/coming.gguf', 'downloading', 10],
      ['a/a/here.gguf', 'downloaded', 123],
      ['a/a/far.gguf', 'available', 1_500_000_000],
    ]);
    expect(rows[0]).toMatchObject({ active: true, name: 'working', repo: 'b/b' });
  });

  it('shows what was heard since the host was asked, before what it said then', () => {
    const facts: ModelFacts = {
      ...NOTHING,
      downloads: [{ repo_id: 'a/a', file_path: 'm.gguf', status: 'downloading', ...download }],
    };
    const heard = { repoId: 'a/a', fileName: 'm.gguf', loaded: 8, total: 10, progress: 80 };
    const live = { ...QUIET, downloads: new Map([['a/a/m.gguf', { ...heard, bytesPerSecond: 2, etaSeconds: 1 }]]) };
    expect(modelRows(facts, QUIET)[0]?.progress).toEqual({ percent: 50, loaded: 5, total: 10 });
    expect(modelRows(facts, live)[0]?.progress).toEqual({
      percent: 80,
      loaded: 8,
      total: 10,
      bytesPerSecond: 2,
      etaSeconds: 1,
    });
  });

  it('says why a download failed in the words of the host, or why the last try did', () => {
    const error = { code: 'DISK_FULL', message: 'The disk is full.' };
    const facts: ModelFacts = {
      ...NOTHING,
      downloads: [{ repo_id: 'a/a', file_path: 'm.gguf', status: 'failed', ...download, error }],
    };
    expect(modelRows(facts, QUIET)[0]).toMatchObject({ stage: 'failed', error: 'The disk is full.' });
    const live = { ...QUIET, errors: new Map([['a/a/m.gguf', 'Still full.']]) };
    expect(modelRows(facts, live)[0]?.error).toBe('Still full.');
  });

  it('is searched by all words, in name, id, description and tags', () => {
    const rows = modelRows(
      { ...NOTHING, available: [model('a/small/One-Q8.gguf'), model('b/big/Two.gguf', { tags: ['vision'] })] },
      QUIET,
    );
    const found = (query: string) => filterRows(rows, query, 'all').map(({ name }) => name);
    expect(found('')).toEqual(['One-Q8', 'Two']);
    expect(found('SMALL one')).toEqual(['One-Q8']);
    expect(found('vision')).toEqual(['Two']);
    expect(found('one two')).toEqual([]);
  });

  it('is parted into what is on this machine and what could be downloaded', () => {
    const rows = modelRows(
      { ...NOTHING, available: [model('a/a/far.gguf'), model('a/a/here.gguf', { downloaded: true })] },
      QUIET,
    );
    expect(filterRows(rows, '', 'here').map(({ name }) => name)).toEqual(['here']);
    expect(filterRows(rows, '', 'offered').map(({ name }) => name)).toEqual(['far']);
  });
});
