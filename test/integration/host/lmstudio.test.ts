import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runLms } from '../../../host/lmstudio/run-lms.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { payloadOf } from '../../support/host/payload-of.ts';
import { putStandIn } from '../../support/lmstudio/put-stand-in.ts';
import { EngineWithFaults, json } from '../../support/remote/engine-with-faults.ts';

const TOKEN = 'hf_neverForLmStudio0123456789';
const onPosix = process.platform === 'win32' ? describe.skip : describe;

let workshop: HostFixture;
beforeEach(async () => {
  workshop = await HostFixture.open();
});
afterEach(() => workshop.close());

/** The stand-in, in LM Studio's own folder or another. */
const install = (folder = join(workshop.home, '.lmstudio')) => workshop.use(putStandIn(folder));
const host = (env: NodeJS.ProcessEnv = {}) => workshop.host({ env: { PATH: '', HF_TOKEN: TOKEN, ...env } });

onPosix('LM Studio (a stand-in for its command lms, which behaves as documented)', () => {
  it('is started, queried, used as an engine and stopped', async () => {
    const standIn = install();
    const client = host();
    expect(payloadOf('CHECK_LMSTUDIO', await client.request('CHECK_LMSTUDIO'))).toEqual({
      installed: true,
      bootstrapped: true,
      server_running: false,
      api_endpoint: null,
      current_model: null,
      lms_path: standIn.lms,
    });
    const started = await client.request('START_LMSTUDIO');
    expect(started.message).toBe('LM Studio server is running');
    const { api_endpoint } = payloadOf('START_LMSTUDIO', started);
    expect(api_endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
    expect(await client.request('start_lmstudio')).toMatchObject({ payload: { server_running: true, api_endpoint } });
    expect(standIn.calls().filter(({ args }) => args[1] === 'start')).toHaveLength(1);
    expect(payloadOf('LMSTUDIO_STATUS', await client.request('LMSTUDIO_STATUS'))).toMatchObject({
      server_running: true,
      api_endpoint,
      current_model: 'qwen/qwen3-4b',
    });

    const modelId = 'remote/lmstudio/qwen/qwen3-4b';
    const { models } = payloadOf('GET_MODELS_BY_TYPE', await client.request('GET_MODELS_BY_TYPE', { type: 'remote' }));
    expect(models.map(({ id }) => id)).toEqual([modelId]);
    payloadOf('LOAD_MODEL', await client.request('LOAD_MODEL', { modelId }));
    const messages = [{ role: 'user', content: 'Who are you?' }];
    expect(payloadOf('GENERATE', await client.request('GENERATE', { messages })).output).toBe('Standing in.');

    const stopped = await client.request('STOP_LMSTUDIO');
    expect(stopped).toMatchObject({ message: 'LM Studio server stopped', payload: { server_running: false } });
    expect(await client.request('STOP_LMSTUDIO')).toMatchObject({ status: 'success' });
    expect(standIn.calls().filter(({ args }) => args[1] === 'stop')).toHaveLength(1);
    const after = payloadOf('GET_MODELS_BY_TYPE', await client.request('GET_MODELS_BY_TYPE', { type: 'remote' }));
    expect(after.models).toEqual([]);
    expect(JSON.stringify(standIn.calls())).not.toContain(TOKEN);
  });

  it('is reported as not installed', async () => {
    const client = host();
    expect(payloadOf('CHECK_LMSTUDIO', await client.request('CHECK_LMSTUDIO'))).toEqual({
      installed: false,
      bootstrapped: false,
      server_running: false,
      api_endpoint: null,
      current_model: null,
      lms_path: null,
    });
    for (const action of ['START_LMSTUDIO', 'STOP_LMSTUDIO']) {
      expect(await client.request(action)).toMatchObject({
        status: 'error',
        code: 'LMSTUDIO_NOT_INSTALLED',
        message: 'LM Studio is not installed',
      });
    }
  });

  it('is reported as installed but not bootstrapped before its first start', async () => {
    mkdirSync(join(workshop.home, '.lmstudio'));
    const client = host();
    expect(payloadOf('CHECK_LMSTUDIO', await client.request('CHECK_LMSTUDIO'))).toMatchObject({
      installed: true,
      bootstrapped: false,
    });
    expect(await client.request('START_LMSTUDIO')).toMatchObject({
      code: 'LMSTUDIO_NOT_INSTALLED',
      message: expect.stringContaining('Start it once'),
    });
  });

  it('is found in its former folder, through its pointer file, and in PATH', async () => {
    const path = async (env?: NodeJS.ProcessEnv) =>
      payloadOf('CHECK_LMSTUDIO', await host(env).request('CHECK_LMSTUDIO')).lms_path;
    const inPath = install(join(workshop.home, 'elsewhere'));
    expect(await path({ PATH: `relative:${inPath.bin}` })).toBe(inPath.lms);
    const older = install(join(workshop.home, '.cache', 'lm-studio'));
    expect(await path({ PATH: inPath.bin })).toBe(older.lms);
    const moved = install(join(workshop.home, 'moved'));
    writeFileSync(join(workshop.home, '.lmstudio-home-pointer'), `${join(workshop.home, 'moved')}\n`);
    expect(await path()).toBe(moved.lms);
    writeFileSync(join(workshop.home, '.lmstudio-home-pointer'), 'relative/place');
    expect(await path()).toBe(older.lms);
  });

  it.each(['bin', 'bin/lms', '.'])(
    'is not run where others can write %s, nor through a link to there',
    async (what) => {
      const standIn = install();
      const folder = join(workshop.home, '.lmstudio');
      chmodSync(join(folder, what), 0o777);
      for (const action of ['CHECK_LMSTUDIO', 'START_LMSTUDIO', 'STOP_LMSTUDIO']) {
        expect(await host().request(action)).toMatchObject({ code: 'UNSAFE_FOLDER' });
      }
      const links = join(workshop.home, 'links');
      mkdirSync(links);
      symlinkSync(standIn.lms, join(links, 'lms'));
      writeFileSync(join(workshop.home, '.lmstudio-home-pointer'), '/nowhere');
      expect(await host({ HOME: join(workshop.home, 'links'), PATH: links }).request('START_LMSTUDIO')).toMatchObject({
        code: 'UNSAFE_FOLDER',
      });
      expect(standIn.calls()).toEqual([]);
    },
  );

  it('is reported with its own error message if it fails', async () => {
    const standIn = install();
    standIn.setMode('refuse');
    expect(await host().request('START_LMSTUDIO')).toMatchObject({
      code: 'LMSTUDIO_FAILED',
      message: 'lms server start did not start the server. Its message: Failed to start LM Studio service.',
    });
    standIn.setMode('garbage');
    expect(await host().request('CHECK_LMSTUDIO')).toMatchObject({ code: 'LMSTUDIO_FAILED' });
  });

  it('is killed when it takes too long or the request is cancelled', async () => {
    const standIn = install();
    standIn.setMode('hang');
    const run = (timeoutMs: number, signal = new AbortController().signal) =>
      runLms(standIn.lms, ['ps'], { env: {}, timeoutMs, signal });
    await expect(run(50)).rejects.toMatchObject({
      code: 'LMSTUDIO_FAILED',
      message: expect.stringContaining('did not finish within'),
    });
    const gone = new AbortController();
    const reason = new Error('gone');
    const running = run(60_000, gone.signal);
    gone.abort(reason);
    await expect(running).rejects.toBe(reason);
  });

  it('is not confused with another server on its port', async () => {
    const standIn = install();
    const engine = workshop.use(await EngineWithFaults.start());
    writeFileSync(join(standIn.internal, 'http-server-config.json'), JSON.stringify({ port: engine.port }));
    engine.setModelList(json(200, { data: [{ id: 'small' }] }));
    const { models } = payloadOf('GET_MODELS_BY_TYPE', await host().request('GET_MODELS_BY_TYPE', { type: 'remote' }));
    expect(models).toEqual([]);
    expect(engine.requests.map(({ path }) => path)).toEqual(['/lmstudio-greeting']);
  });

  it('is replaced by a configured engine of the same name', async () => {
    install();
    const engine = workshop.use(await EngineWithFaults.start());
    const remoteEngines = [{ name: 'lmstudio', url: engine.url }];
    writeFileSync(join(workshop.home, 'config.json'), JSON.stringify({ remoteEngines }), { mode: 0o600 });
    const client = host();
    payloadOf('START_LMSTUDIO', await client.request('START_LMSTUDIO'));
    const { engines } = payloadOf('LIST_REMOTE_ENGINES', await client.request('LIST_REMOTE_ENGINES'));
    expect(engines).toMatchObject([{ name: 'lmstudio', url: engine.url }]);
  });
});
