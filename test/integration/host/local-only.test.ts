import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ACTIONS } from '../../../host/protocol/actions/index.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { payloadOf } from '../../support/host/payload-of.ts';

/** Actions that read or write files outside of the data folder. */
const LOCAL_ONLY = ['IMPORT_MODEL', 'MOVE_CACHE'];

describe('actions that browsers must not send', () => {
  let workshop: HostFixture;
  beforeEach(async () => {
    workshop = await HostFixture.open();
  });
  afterEach(() => workshop.close());

  it.each(LOCAL_ONLY)('%s is rejected without effect', async (action) => {
    const path = join(workshop.home, 'own.gguf');
    const folder = join(workshop.home, 'elsewhere');
    writeFileSync(path, markovModel());
    const host = workshop.host({ env: { HF_ENDPOINT: 'http://127.0.0.1:1' } });
    for (const spelling of [action, action.toLowerCase()]) {
      expect(await host.request(spelling, { path, folder })).toMatchObject({ status: 'error', code: 'LOCAL_ONLY' });
    }
    expect(existsSync(folder)).toBe(false);
    const { models } = payloadOf('GET_DOWNLOADED_MODELS', await host.request('GET_DOWNLOADED_MODELS'));
    expect(models).toEqual([]);
  });

  it('are those that are declared as local only', () => {
    const declared = [...ACTIONS.values()].map(({ declaration }) => declaration);
    expect(declared.filter(({ localOnly }) => localOnly).map(({ name }) => name)).toEqual(LOCAL_ONLY.toReversed());
  });
});
