import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runCommand } from '../../support/cli/run-command.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess } from '../../support/host/host-process.ts';
import { payloadOf } from '../../support/host/payload-of.ts';

const TOKEN = ['hf', 'exampleexampleexample'].join('_');
const ENGINES = ['e0', 'e1', 'e2', 'e3', 'e4', 'e5'];

describe('hosts that write concurrently', () => {
  let fixture: HostFixture;
  let hosts: HostProcess[];
  beforeEach(async () => {
    fixture = await HostFixture.open();
    const config = { remoteEngines: ENGINES.map((name) => ({ name, url: 'http://127.0.0.1:9/v1' })) };
    await writeFile(join(fixture.home, 'config.json'), JSON.stringify(config), { mode: 0o600 });
    hosts = [fixture.host(), fixture.host(), fixture.host()];
    for (const host of hosts) payloadOf('PING', await host.request('PING'));
  });
  afterEach(() => fixture.close());

  const host = (at: number) => hosts[at % hosts.length] as HostProcess;
  const savedSecrets = async () => Object.keys(JSON.parse(await readFile(join(fixture.home, 'secrets.json'), 'utf8')));

  it.each([
    ['one host', () => 0],
    ['several hosts', (at: number) => at],
  ])('lose no secret when many are saved by %s', async (_who, choose) => {
    const replies = await Promise.all([
      host(choose(0)).request('SET_HF_TOKEN', { token: TOKEN }),
      ...ENGINES.map((engine, at) => host(choose(at)).request('SET_REMOTE_KEY', { engine, key: `key-${engine}` })),
    ]);
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set(['success']));
    expect(await savedSecrets()).toHaveLength(ENGINES.length + 1);
  });

  it('do not restore a cleared secret', async () => {
    for (let round = 0; round < 10; round += 1) {
      payloadOf('SET_HF_TOKEN', await host(0).request('SET_HF_TOKEN', { token: TOKEN }));
      await Promise.all([
        host(0).request('CLEAR_HF_TOKEN'),
        ...ENGINES.map((engine, at) => host(at).request('SET_REMOTE_KEY', { engine, key: `key-${round}` })),
      ]);
      expect((await savedSecrets()).filter((name) => !ENGINES.some((engine) => name.includes(engine)))).toEqual([]);
    }
  });

  it('remove the temporary copy of the secrets of a host that was killed while saving', async () => {
    const left = join(fixture.home, 'secrets.json.00000000-0000-4000-8000-000000000000.tmp');
    await writeFile(left, JSON.stringify({ cleared: 'secret' }));
    payloadOf('GET_HF_TOKEN_STATUS', await host(0).request('GET_HF_TOKEN_STATUS'));
    expect(existsSync(left)).toBe(false);
    await writeFile(left, '{}');
    payloadOf('SET_HF_TOKEN', await host(0).request('SET_HF_TOKEN', { token: TOKEN }));
    expect(existsSync(left)).toBe(false);
  });

  it('keep the secret that was set last', async () => {
    const tokens = Array.from({ length: 10 }, (_, at) => `hf_example${at}example`);
    await Promise.all(tokens.map((token) => host(0).request('SET_HF_TOKEN', { token })));
    expect(await readFile(join(fixture.home, 'secrets.json'), 'utf8')).toContain(tokens.at(-1));
  });

  it('lose no setting', async () => {
    for (let round = 1; round <= 20; round += 1) {
      const changes = [{ temperature: round / 20 }, { top_p: round / 20 }, { top_k: round }];
      await Promise.all(changes.map((settings, at) => host(at).request('UPDATE_SETTINGS', { settings })));
      const { params } = payloadOf('GET_PARAMS', await host(round).request('GET_PARAMS'));
      expect(params).toMatchObject({ temperature: round / 20, top_p: round / 20, top_k: round });
    }
  });

  it('lose no import of several files with the same name', async () => {
    const paths = hosts.map((_, at) => join(fixture.home, `folder-${at}`, 'model.gguf'));
    for (const path of paths) {
      await mkdir(join(path, '..'));
      await writeFile(path, markovModel());
    }
    const imports = await Promise.all(paths.map((path) => runCommand(['import', path], { home: fixture.home })));
    expect(imports.map(({ code }) => code)).toEqual(paths.map(() => 0));
    const { models } = payloadOf('SCAN_LOCAL_MODELS', await host(0).request('SCAN_LOCAL_MODELS'));
    expect(models).toHaveLength(paths.length);
  });

  it('lose no model that was added to the list', async () => {
    const files = Array.from({ length: 12 }, (_, at) => `model-${at}.gguf`);
    await Promise.all(
      files.map((file_path, at) =>
        host(at).request('ADD_MODEL_TO_LIST', { model: { repo_id: 'maker/models', file_path } }),
      ),
    );
    const { models } = payloadOf('GET_AVAILABLE_MODELS', await host(0).request('GET_AVAILABLE_MODELS'));
    expect(models.filter(({ repo_id }) => repo_id === 'maker/models')).toHaveLength(files.length);
  });

  it('apply the last request to pin or unpin a model', async () => {
    const folder = join(fixture.home, 'models', 'maker', 'models');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'model.gguf'), markovModel());
    const model = { modelPath: 'maker/models', modelFile: 'model.gguf' };
    for (const actions of [
      ['PIN_MODEL', 'UNPIN_MODEL'],
      ['UNPIN_MODEL', 'PIN_MODEL'],
    ]) {
      for (let round = 0; round < 10; round += 1) {
        await Promise.all(actions.map((action) => host(0).request(action, model)));
        const { models } = payloadOf('GET_CACHE_STATS', await host(1).request('GET_CACHE_STATS'));
        expect(models).toMatchObject([{ pinned: actions.at(-1) === 'PIN_MODEL' }]);
      }
    }
  });
});
