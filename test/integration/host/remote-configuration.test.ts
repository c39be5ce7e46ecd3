import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { payloadOf } from '../../support/host/payload-of.ts';
import { startMock } from '../../support/remote/engine-mock.ts';

const KEY = 'sk-only-for-the-mock-0123456789';

describe('remote engines that are added by a request', () => {
  let workshop: HostFixture;
  beforeEach(async () => {
    workshop = await HostFixture.open();
  });
  afterEach(() => workshop.close());

  const file = () => join(workshop.home, 'config.json');
  const start = () => workshop.host({ env: { HF_ENDPOINT: 'http://127.0.0.1:1' } });

  it('are saved after the user has confirmed, can be used, and are removed with their key', async () => {
    const mock = workshop.use(await startMock({ keys: [KEY] }));
    writeFileSync(file(), '{"later": 1}', { mode: 0o600 });
    const host = start();
    const fields = { engine: 'mock', url: mock.url };
    const asked = payloadOf('ADD_REMOTE_ENGINE', await host.request('ADD_REMOTE_ENGINE', fields));
    expect(asked).toMatchObject({ added: false, confirmation: { encrypted: false, private_network: true } });
    expect(asked.confirmation?.host).toBe(new URL(mock.url).host);
    expect(readFileSync(file(), 'utf8')).toBe('{"later": 1}');

    const confirmation = asked.confirmation?.code;
    expect(await host.request('ADD_REMOTE_ENGINE', { ...fields, confirmation })).toMatchObject({
      payload: { added: true },
    });
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toEqual({
      later: 1,
      remoteEngines: [{ name: 'mock', url: mock.url }],
    });
    await host.request('SET_REMOTE_KEY', { engine: 'mock', key: KEY });
    const { engines } = payloadOf('LIST_REMOTE_ENGINES', await host.request('LIST_REMOTE_ENGINES'));
    expect(engines).toMatchObject([{ name: 'mock', configured: true, reachable: true, key_source: 'SET_REMOTE_KEY' }]);
    expect(await host.request('ADD_REMOTE_ENGINE', fields)).toMatchObject({ code: 'INVALID_REQUEST' });

    expect(await host.request('REMOVE_REMOTE_ENGINE', { engine: 'mock' })).toMatchObject({
      payload: { removed: true },
    });
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toEqual({ later: 1, remoteEngines: [] });
    // Another engine with that name does not receive the key.
    writeFileSync(file(), JSON.stringify({ remoteEngines: [{ name: 'mock', url: mock.url }] }), { mode: 0o600 });
    const { engines: again } = payloadOf('LIST_REMOTE_ENGINES', await host.request('LIST_REMOTE_ENGINES'));
    expect(again).toMatchObject([{ key_source: null, reachable: false }]);
    expect(await host.request('REMOVE_REMOTE_ENGINE', { engine: 'other' })).toMatchObject({
      payload: { removed: false },
    });
  });

  it.each([
    ['with another code', { url: 'https://a.example/v1', confirmation: 'no' }],
    ['for another address', { url: 'https://b.example/v1' }],
    ['for other models', { url: 'https://a.example/v1', models: ['large'] }],
  ])('are not added %s', async (_what, changes) => {
    const host = start();
    const asked = payloadOf(
      'ADD_REMOTE_ENGINE',
      await host.request('ADD_REMOTE_ENGINE', { engine: 'a', url: 'https://a.example/v1' }),
    );
    const confirmation = asked.confirmation?.code;
    const second = { engine: 'a', confirmation, ...changes };
    expect(await host.request('ADD_REMOTE_ENGINE', second)).toMatchObject({
      code: 'INVALID_REQUEST',
      details: { field: 'confirmation' },
    });
    // The code can be used only once.
    const repeated = { engine: 'a', url: 'https://a.example/v1', confirmation };
    expect(await host.request('ADD_REMOTE_ENGINE', repeated)).toMatchObject({ code: 'INVALID_REQUEST' });
  });

  it.each([
    ['http://api.example.com/v1', 'url'],
    ['https://name:word@api.example.com/v1', 'url'],
    ['ftp://api.example.com', 'url'],
  ])('are rejected at %s', async (url, field) => {
    const host = start();
    expect(await host.request('ADD_REMOTE_ENGINE', { engine: 'a', url })).toMatchObject({
      code: 'INVALID_REQUEST',
      details: { field },
    });
  });

  it('may use plain HTTP if the user allows it', async () => {
    const fields = { engine: 'a', url: 'http://api.example.com/v1', plain_http: true };
    const asked = payloadOf('ADD_REMOTE_ENGINE', await start().request('ADD_REMOTE_ENGINE', fields));
    expect(asked.confirmation).toMatchObject({ host: 'api.example.com', encrypted: false, private_network: false });
  });

  it('cannot be added or removed by other extensions', async () => {
    writeFileSync(file(), '{"allowedExtensions": ["me@here"]}', { mode: 0o600 });
    const host = workshop.host({ args: ['/opt/tabagent.json', 'me@here'], env: { HF_ENDPOINT: 'http://127.0.0.1:1' } });
    const fields = { engine: 'a', url: 'https://a.example/v1' };
    expect(await host.request('ADD_REMOTE_ENGINE', fields)).toMatchObject({ code: 'LOCAL_ONLY' });
    expect(await host.request('REMOVE_REMOTE_ENGINE', { engine: 'a' })).toMatchObject({ code: 'LOCAL_ONLY' });
    expect(await host.request('MOVE_CACHE', { folder: '/tmp' })).toMatchObject({ code: 'LOCAL_ONLY' });
    expect(await host.request('LIST_REMOTE_ENGINES')).toMatchObject({ status: 'success' });
  });
});
