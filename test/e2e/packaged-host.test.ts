import { execFileSync } from 'node:child_process';
import { readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sha256 } from '../../installers/package/checksums.ts';
import { sizeOf } from '../../installers/package/entry.ts';
import { markovModel, STORY_GREEDY } from '../support/gguf/markov-model.ts';
import { string } from '../support/gguf/write-gguf.ts';
import { promised } from '../support/host/promised.ts';
import { Workshop } from '../support/host/workshop.ts';
import { startHub } from '../support/hub/hub.ts';
import { missingOfDesktop, startDesktopSession } from '../support/keychain/desktop-session.ts';
import { ARCHIVE, OUT, PACKAGE_NAME, VERSION } from './support/packaged-host.ts';

const MB = 1_000_000;
const REPO = 'tabagent/markov-gguf';
const FILE = 'markov-f16.gguf';
/** Gives the last message's words and nothing else. */
const TEMPLATE = '{{ bos_token }}{{ messages[-1].content }}';

describe('the packaged host, unpacked from its archive', () => {
  let place: Workshop;
  let shop: Workshop;
  let folder: string;
  let program: string;
  beforeAll(async () => {
    place = await Workshop.open();
    execFileSync('tar', ['-xJf', ARCHIVE, '-C', place.home]);
    folder = join(place.home, PACKAGE_NAME);
    program = join(folder, 'tabagent-host');
  });
  afterAll(() => place.close());
  beforeEach(async () => {
    shop = await Workshop.open();
  });
  afterEach(() => shop.close());

  it('is no larger than promised, unpacked and packed', async () => {
    expect(sizeOf(folder)).toBeLessThanOrEqual(145 * MB);
    expect((await stat(ARCHIVE)).size).toBeLessThanOrEqual(40 * MB);
  });

  it('stands in the file of checksums', async () => {
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

  (missingOfDesktop() === undefined ? it : it.skip)("keeps a token in the desktop's keyring", async () => {
    const session = shop.use(await startDesktopSession(join(shop.home, 'desktop'), { unlocked: true }));
    const host = shop.host({ command: [program], env: { ...session.env, TABAGENT_KEYCHAIN: 'on' } });
    expect(await host.request('SET_HF_TOKEN', { token: 'hf_canary0123456789' })).toMatchObject({ source: 'keychain' });
    expect(await readFile(join(shop.home, 'secrets.json'), 'utf8')).not.toContain('hf_canary');
    expect(await host.request('CLEAR_HF_TOKEN')).toMatchObject({ message: 'Token removed' });
  });

  it("answers a browser, downloads, loads and runs a model, by the model's own chat template", async () => {
    const file = markovModel({ metadata: { 'tokenizer.chat_template': string(TEMPLATE) } });
    const hub = shop.use(await startHub({ repos: { [REPO]: { files: { [FILE]: file } } } }));
    const host = shop.host({ command: [program], env: { HF_ENDPOINT: hub.url } });
    expect(await host.request('PING')).toMatchObject({ status: 'success' });

    const model = { modelPath: REPO, modelFile: FILE };
    promised('DOWNLOAD_MODEL', await host.request('DOWNLOAD_MODEL', model));
    const settings = { n_gpu_layers: 0, n_ctx: 256, n_threads: 1 };
    const loaded = promised('LOAD_MODEL', await host.request('LOAD_MODEL', { ...model, settings }));
    expect(loaded).toMatchObject({ isReady: true, architecture: 'llama' });
    const system = promised('GET_SYSTEM_RESOURCES', await host.request('GET_SYSTEM_RESOURCES'));
    expect(loaded.cpuVariant).toBe(system.cpu.variant);

    // The template is rendered in a thread of the runner, a separate file.
    const messages = [{ role: 'user', content: '' }];
    const reply = await host.request('GENERATE', { messages, settings: { do_sample: false } });
    expect(promised('GENERATE', reply).output).toBe(STORY_GREEDY);

    promised('UNLOAD_MODEL', await host.request('UNLOAD_MODEL', { modelId: `${REPO}/${FILE}` }));
    expect(await host.close()).toEqual({ code: 0, signal: null });
  });

  it('knows its errors as a host of Node does, whichever of its two scripts made them', async () => {
    const host = shop.host({ command: [program] });
    const reply = await host.request('GET_MODEL_STATE', { modelId: 'no/such/model.gguf' });
    expect(reply).toMatchObject({ status: 'error' });
    expect(reply.code).not.toBe('INTERNAL_ERROR');
  });

  it('says so when it was updated while it ran, in place of mixing two versions', async () => {
    const host = shop.host({ command: [program] });
    expect(await host.request('PING')).toMatchObject({ status: 'success' });
    const lib = join(folder, 'lib', 'host');
    await rename(lib, `${lib}.aside`);
    try {
      expect(await host.request('GET_SYSTEM_INFO')).toMatchObject({ status: 'error', code: 'HOST_UPDATED' });
    } finally {
      await rename(`${lib}.aside`, lib);
    }
  });

  it('is the command line too, and not disturbed by options meant for Node', () => {
    const env = { HOME: shop.home, PATH: process.env.PATH, NODE_OPTIONS: '--require /nowhere.js' };
    expect(execFileSync(program, ['--version'], { env, encoding: 'utf8' })).toBe(`${VERSION}\n`);
    expect(execFileSync(program, ['--help'], { env, encoding: 'utf8' })).toContain('tabagent install');
  });
});
