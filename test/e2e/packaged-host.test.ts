import { execFileSync } from 'node:child_process';
import { readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sha256 } from '../../installers/package/checksums.ts';
import { sizeOf } from '../../installers/package/entry.ts';
import { markovModel, STORY_GREEDY } from '../support/gguf/markov-model.ts';
import { string } from '../support/gguf/write-gguf.ts';
import { HostFixture } from '../support/host/host-fixture.ts';
import { payloadOf } from '../support/host/payload-of.ts';
import { startHub } from '../support/hub/hub.ts';
import { missingDesktopPrograms, startDesktopSession } from '../support/keychain/desktop-session.ts';
import { ARCHIVE, OUT, PACKAGE_NAME, VERSION } from './support/packaged-host.ts';

const MB = 1_000_000;
const REPO = 'tabagent/markov-gguf';
const FILE = 'markov-f16.gguf';
/** Renders only the content of the last message. */
const TEMPLATE = '{{ bos_token }}{{ messages[-1].content }}';

describe('the packaged host, unpacked from its archive', () => {
  let place: HostFixture;
  let fixture: HostFixture;
  let folder: string;
  let program: string;
  beforeAll(async () => {
    place = await HostFixture.open();
    execFileSync('tar', ['-xJf', ARCHIVE, '-C', place.home]);
    folder = join(place.home, PACKAGE_NAME);
    program = join(folder, 'tabagent-host');
  });
  afterAll(() => place.close());
  beforeEach(async () => {
    fixture = await HostFixture.open();
  });
  afterEach(() => fixture.close());

  it('does not exceed the documented sizes, unpacked and packed', async () => {
    expect(sizeOf(folder)).toBeLessThanOrEqual(145 * MB);
    expect((await stat(ARCHIVE)).size).toBeLessThanOrEqual(40 * MB);
  });

  it('is listed in the checksum file', async () => {
    const sums = await readFile(join(OUT, 'SHA256SUMS'), 'utf8');
    expect(sums).toContain(`${await sha256(ARCHIVE)}  ${PACKAGE_NAME}.tar.xz\n`);
  });

  it('contains the text of the license of every component', async () => {
    const text = await readFile(join(folder, 'LICENSES.txt'), 'utf8');
    for (const name of ['Node.js 24', 'llama.cpp', 'got 16', 'valibot', 'node-llama-cpp', 'semver']) {
      expect(text).toContain(name);
    }
    expect(text).not.toMatch(/\/(home|root|tmp|work)\//);
  });

  (missingDesktopPrograms() === undefined ? it : it.skip)("keeps a token in the desktop's keyring", async () => {
    const session = fixture.use(await startDesktopSession(join(fixture.home, 'desktop'), { unlocked: true }));
    const host = fixture.host({ command: [program], env: { ...session.env, TABAGENT_KEYCHAIN: 'on' } });
    expect(await host.request('SET_HF_TOKEN', { token: 'hf_canary0123456789' })).toMatchObject({ source: 'keychain' });
    expect(await readFile(join(fixture.home, 'secrets.json'), 'utf8')).not.toContain('hf_canary');
    expect(await host.request('CLEAR_HF_TOKEN')).toMatchObject({ message: 'Token removed' });
  });

  it('replies to a browser, and downloads, loads and runs a model with its chat template', async () => {
    const file = markovModel({ metadata: { 'tokenizer.chat_template': string(TEMPLATE) } });
    const hub = fixture.use(await startHub({ repos: { [REPO]: { files: { [FILE]: file } } } }));
    const host = fixture.host({ command: [program], env: { HF_ENDPOINT: hub.url } });
    expect(await host.request('PING')).toMatchObject({ status: 'success' });

    const model = { modelPath: REPO, modelFile: FILE };
    payloadOf('DOWNLOAD_MODEL', await host.request('DOWNLOAD_MODEL', model));
    const settings = { n_gpu_layers: 0, n_ctx: 256, n_threads: 1 };
    const loaded = payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { ...model, settings }));
    expect(loaded).toMatchObject({ isReady: true, architecture: 'llama' });
    const system = payloadOf('GET_SYSTEM_RESOURCES', await host.request('GET_SYSTEM_RESOURCES'));
    expect(loaded.cpuVariant).toBe(system.cpu.variant);

    // A thread of the runner, which is a separate file, renders the template.
    const messages = [{ role: 'user', content: '' }];
    const reply = await host.request('GENERATE', { messages, settings: { do_sample: false } });
    expect(payloadOf('GENERATE', reply).output).toBe(STORY_GREEDY);

    payloadOf('UNLOAD_MODEL', await host.request('UNLOAD_MODEL', { modelId: `${REPO}/${FILE}` }));
    expect(await host.close()).toEqual({ code: 0, signal: null });
  });

  it('recognizes its errors, whichever of its two scripts created them', async () => {
    const host = fixture.host({ command: [program] });
    const reply = await host.request('GET_MODEL_STATE', { modelId: 'no/such/model.gguf' });
    expect(reply).toMatchObject({ status: 'error' });
    expect(reply.code).not.toBe('INTERNAL_ERROR');
  });

  it("reports that it was updated while it was running, and does not load the new version's files", async () => {
    const host = fixture.host({ command: [program] });
    expect(await host.request('PING')).toMatchObject({ status: 'success' });
    const lib = join(folder, 'lib', 'host');
    await rename(lib, `${lib}.aside`);
    try {
      expect(await host.request('GET_SYSTEM_INFO')).toMatchObject({ status: 'error', code: 'HOST_UPDATED' });
    } finally {
      await rename(`${lib}.aside`, lib);
    }
  });

  it('also runs commands, and ignores options that are meant for Node.js', () => {
    const env = { HOME: fixture.home, PATH: process.env.PATH, NODE_OPTIONS: '--require /nowhere.js' };
    expect(execFileSync(program, ['--version'], { env, encoding: 'utf8' })).toBe(`${VERSION}\n`);
    expect(execFileSync(program, ['--help'], { env, encoding: 'utf8' })).toContain('tabagent install');
  });
});
