import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Keychain } from '../../../host/secrets/keychain.ts';
import { describeUnless } from '../../support/describe-unless.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { HOST_MAIN, type HostProcess } from '../../support/host/host-process.ts';
import { payloadOf } from '../../support/host/payload-of.ts';
import { startHub } from '../../support/hub/hub.ts';
import { missingDesktopPrograms, startDesktopSession } from '../../support/keychain/desktop-session.ts';

const SECRET = 'hf_canary0123456789';
const ON = { TABAGENT_KEYCHAIN: 'on' };
const onLinux = process.platform === 'linux' ? it : it.skip;

let fixture: HostFixture;
beforeEach(async () => {
  fixture = await HostFixture.open();
});
afterEach(() => fixture.close());

const kept = () => readFileSync(join(fixture.home, 'secrets.json'), 'utf8');
const status = async (host: HostProcess) => payloadOf('GET_HF_TOKEN_STATUS', await host.request('GET_HF_TOKEN_STATUS'));

async function session(unlocked: boolean) {
  const started = await startDesktopSession(join(fixture.home, 'desktop'), { unlocked });
  fixture.use(started);
  return { ...started.env, ...ON };
}

const GATED = 'a/b/m.gguf';
const PUBLIC = 'a/c/m.gguf';

/** Starts a hub with a gated and a public model. */
async function hubOfBoth() {
  const files = { 'm.gguf': markovModel() };
  return fixture.use(await startHub({ token: SECRET, repos: { 'a/b': { gated: true, files }, 'a/c': { files } } }));
}

function nothingHolds(secret: string): void {
  for (const file of readdirSync(fixture.home, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    expect([file.name, readFileSync(join(file.parentPath, file.name)).includes(secret)]).toEqual([file.name, false]);
  }
}

describeUnless("the system's keychain", missingDesktopPrograms(), () => {
  it('stores the token for later hosts, and in no file of the host', async () => {
    const env = { ...(await session(true)), HF_ENDPOINT: (await hubOfBoth()).url };
    const first = fixture.host({ env });
    payloadOf('SET_HF_TOKEN', await first.request('SET_HF_TOKEN', { token: 'hf_another0123' }));
    expect(await first.request('SET_HF_TOKEN', { token: SECRET })).toMatchObject({
      source: 'keychain',
      message: 'Token saved in the system keychain',
    });
    await first.close();
    nothingHolds(SECRET);

    const host = fixture.host({ env });
    expect(await status(host)).toMatchObject({ has_token: true, source: 'keychain', kept: true });
    payloadOf('DOWNLOAD_MODEL', await host.request('DOWNLOAD_MODEL', { modelPath: GATED }));
    const entry = JSON.parse(kept())['hub-token'].keychain;
    const keychain = new Keychain({ entry: pathToFileURL(HOST_MAIN), env });
    expect(await keychain.get(entry)).toBe(SECRET);
    expect(await host.request('CLEAR_HF_TOKEN')).toMatchObject({ message: 'Token removed', has_token: false });
    expect(await keychain.get(entry)).toBeUndefined();
  });

  it('is reported as locked, and the next secret is stored in the file', async () => {
    const open = await startDesktopSession(join(fixture.home, 'desktop'), { unlocked: true });
    const before = fixture.host({ env: { ...open.env, ...ON } });
    expect(await before.request('SET_HF_TOKEN', { token: SECRET })).toMatchObject({ source: 'keychain' });
    await before.close();
    await open.close();

    const host = fixture.host({ env: { ...(await session(false)), HF_ENDPOINT: (await hubOfBoth()).url } });
    expect(await status(host)).toMatchObject({ has_token: true, source: 'keychain' });
    expect(await host.request('DOWNLOAD_MODEL', { modelPath: GATED })).toMatchObject({
      code: 'KEYCHAIN_UNAVAILABLE',
      message: expect.stringContaining('Unlock it'),
    });
    // The public model can still be downloaded.
    expect(await host.request('DOWNLOAD_MODEL', { modelPath: PUBLIC })).toMatchObject({ status: 'success' });
    const file = join(fixture.home, 'secrets.json');
    expect(await host.request('SET_HF_TOKEN', { token: SECRET })).toMatchObject({
      source: file,
      message: `Token saved in ${file}`,
    });
    expect(await status(host)).toMatchObject({ has_token: true, source: file });
    expect(await host.request('CLEAR_HF_TOKEN')).toMatchObject({ status: 'success', has_token: false });
  });

  it('is tolerated if an entry is missing, which can still be cleared', async () => {
    const host = fixture.host({ env: { ...(await session(true)), HF_ENDPOINT: (await hubOfBoth()).url } });
    writeFileSync(join(fixture.home, 'secrets.json'), JSON.stringify({ 'hub-token': { keychain: 'hub-token:1' } }));
    expect(await host.request('DOWNLOAD_MODEL', { modelPath: GATED })).toMatchObject({
      code: 'KEYCHAIN_UNAVAILABLE',
      message: expect.stringContaining('no longer contains'),
    });
    expect(await host.request('CLEAR_HF_TOKEN')).toMatchObject({ status: 'success', has_token: false });
  });
});

describe('a keychain', () => {
  // Other systems always have a keychain, which a test must not change.
  onLinux('that does not exist is replaced by the file, which is reported', async () => {
    const host = fixture.host({ env: { ...ON, DBUS_SESSION_BUS_ADDRESS: `unix:path=${join(fixture.home, 'none')}` } });
    expect(await host.request('SET_HF_TOKEN', { token: SECRET })).toMatchObject({
      source: join(fixture.home, 'secrets.json'),
      kept: true,
    });
    expect(JSON.parse(kept())).toEqual({ 'hub-token': SECRET });
  });

  it('is not accessed if the configuration disables it, nor for secrets that it does not contain', async () => {
    const host = fixture.host({ env: { HF_ENDPOINT: (await hubOfBoth()).url } });
    expect(await status(host)).toMatchObject({ has_token: false, source: null });
    await host.request('SET_HF_TOKEN', { token: SECRET });
    expect(JSON.parse(kept())).toEqual({ 'hub-token': SECRET });
    writeFileSync(join(fixture.home, 'secrets.json'), JSON.stringify({ 'hub-token': { keychain: 'hub-token:1' } }));
    expect(await host.request('DOWNLOAD_MODEL', { modelPath: GATED })).toMatchObject({ code: 'KEYCHAIN_UNAVAILABLE' });
  });

  onLinux('that never responds is abandoned after a time limit, and its process is killed', async () => {
    const path = join(fixture.home, 'bus');
    const silent = createServer().listen(path);
    const connected = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    silent.once('connection', (socket) => {
      connected.resolve();
      socket.on('error', () => {}).resume();
      socket.once('close', gone.resolve);
    });
    const env = { PATH: process.env.PATH, DBUS_SESSION_BUS_ADDRESS: `unix:path=${path}` };
    const keychain = new Keychain({ entry: pathToFileURL(HOST_MAIN), env, timeoutMs: 3_000 });
    await expect(keychain.get('hub-token:1')).rejects.toMatchObject({
      code: 'KEYCHAIN_UNAVAILABLE',
      message: expect.stringContaining('within 3 seconds'),
    });
    await connected.promise;
    await gone.promise;
    silent.close();
  });
});
