import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ModelSettings } from '../../../host/settings/model-settings.ts';
import { openStore } from '../../../host/store/store.ts';
import type { Store } from '../../../host/store/types.ts';
import { WatchedLog } from '../../support/engine/test-models.ts';

const ID = 'maker/model/file.gguf';

describe('the settings of a model', () => {
  const log = new WatchedLog();
  let folder: string;
  let store: Store;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tabagent-settings-'));
    store = await openStore(join(folder, 'host.sqlite'), log);
  });
  afterEach(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });
  const open = () => new ModelSettings(store.namespace('model_settings'), join(folder, 'settings.lock'), log);

  it('are initially empty', async () => {
    expect(await open().get(ID)).toEqual({});
  });

  it('are read by another host, for this model only', async () => {
    await open().change(ID, { system_prompt: 'Rhyme.', generation: { temperature: 0 } });
    await open().change(ID, { load: { n_ctx: 512 } });
    const all = { system_prompt: 'Rhyme.', generation: { temperature: 0 }, load: { n_ctx: 512 } };
    expect(await open().get(ID)).toEqual(all);
    expect(await open().get('maker/model/other.gguf')).toEqual({});
  });

  it('are replaced in groups, and removed with null', async () => {
    await open().change(ID, { system_prompt: 'Rhyme.', generation: { temperature: 0, top_k: 1 } });
    const settings = { generation: { top_p: 0.5 } };
    expect(await open().change(ID, { system_prompt: null, ...settings })).toEqual(settings);
    expect(await open().get(ID)).toEqual(settings);
    expect(await open().change(ID, { generation: null })).toEqual({});
    expect(await store.namespace('model_settings').get(ID)).toBeUndefined();
  });

  it('can be changed concurrently', async () => {
    const settings = open();
    await Promise.all([
      settings.change(ID, { system_prompt: 'Rhyme.' }),
      settings.change(ID, { generation: { top_k: 1 } }),
      settings.change(ID, { load: { n_ctx: 512 } }),
    ]);
    expect(await settings.get(ID)).toEqual({
      system_prompt: 'Rhyme.',
      generation: { top_k: 1 },
      load: { n_ctx: 512 },
    });
  });

  it('are empty if they cannot be read, which is logged', async () => {
    await store.namespace<unknown>('model_settings').set(ID, { generation: { temperature: 'warm' } });
    expect(await open().get(ID)).toEqual({});
    expect(log.lines).toContainEqual(expect.objectContaining({ event: 'model-settings.unreadable' }));
  });
});
