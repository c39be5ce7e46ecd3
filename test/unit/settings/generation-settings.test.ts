import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DEFAULT_PARAMS, GenerationSettings } from '../../../host/settings/generation-settings.ts';
import { openStore } from '../../../host/store/store.ts';
import type { Store } from '../../../host/store/types.ts';
import { WatchedLog } from '../../support/engine/test-models.ts';

describe('GenerationSettings', () => {
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
  const open = () => new GenerationSettings(store.namespace('settings'), join(folder, 'locks', 'settings.lock'), log);

  it('are initially the defaults', async () => {
    expect(await open().get()).toEqual(DEFAULT_PARAMS);
  });

  it('are read by another host, including those that were not changed', async () => {
    expect(await open().change({ temperature: 0, top_k: 7 })).toEqual({ ...DEFAULT_PARAMS, temperature: 0, top_k: 7 });
    expect(await open().change({ do_sample: false })).toEqual({
      ...DEFAULT_PARAMS,
      temperature: 0,
      top_k: 7,
      do_sample: false,
    });
    expect((await open().get()).top_k).toBe(7);
  });

  it('can be changed concurrently', async () => {
    const settings = open();
    await Promise.all([
      settings.change({ top_k: 1 }),
      settings.change({ top_p: 0.5 }),
      settings.change({ min_p: 0.1 }),
    ]);
    expect(await settings.get()).toMatchObject({ top_k: 1, top_p: 0.5, min_p: 0.1 });
  });

  it('are the defaults if they cannot be read, which is logged', async () => {
    await store.namespace<unknown>('settings').set('generation', { temperature: 'warm' });
    expect(await open().get()).toEqual(DEFAULT_PARAMS);
    expect(log.lines).toContainEqual(expect.objectContaining({ event: 'settings.unreadable' }));
  });

  it('contain no other fields', async () => {
    const changes = { top_k: 3, other: 'x' };
    expect(await open().change(changes)).toEqual({ ...DEFAULT_PARAMS, top_k: 3 });
  });
});
