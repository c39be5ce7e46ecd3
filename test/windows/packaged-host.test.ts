import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { seededBytes } from '../support/cache/cache-fixture.ts';
import { markovModel, STORY_GREEDY } from '../support/gguf/markov-model.ts';
import { string } from '../support/gguf/write-gguf.ts';
import { HostFixture } from '../support/host/host-fixture.ts';
import { payloadOf } from '../support/host/payload-of.ts';
import { startHub, type TestHub } from '../support/hub/hub.ts';
import { AWKWARD, VERSION, WindowsUser } from './windows.ts';

const MiB = 1024 * 1024;
const REPO = 'tabagent/markov-gguf';
const MODEL = { modelPath: REPO, modelFile: 'markov.gguf' };
const LARGE = { modelPath: REPO, modelFile: 'large.gguf' };
const LARGE_BYTES = 61 * MiB + 5;
/** Renders only the content of the last message. */
const TEMPLATE = '{{ bos_token }}{{ messages[-1].content }}';

describe('the packaged host on Windows', () => {
  let user: WindowsUser;
  let program: string;
  let fixture: HostFixture;
  let hub: TestHub;
  beforeAll(async () => {
    user = await WindowsUser.open();
    program = await user.unpack(AWKWARD);
  });
  afterAll(() => user.close());
  beforeEach(async () => {
    fixture = await HostFixture.open();
    const files = {
      'markov.gguf': markovModel({ metadata: { 'tokenizer.chat_template': string(TEMPLATE) } }),
      'large.gguf': seededBytes(LARGE_BYTES, 3),
    };
    hub = fixture.use(await startHub({ repos: { [REPO]: { files } }, bytesPerSecond: 10 * MiB }));
  });
  afterEach(() => fixture.close());

  const start = () => fixture.host({ command: [program], env: { HF_ENDPOINT: hub.url, TABAGENT_GPU: 'off' } });

  it('prints its version from a folder with spaces, symbols and umlauts', async () => {
    expect(await user.run(program, ['--version'])).toMatchObject({ code: 0, stdout: `${VERSION}\n`, stderr: '' });
  });

  it('replies to a browser over pipes, and reports the computer', async () => {
    const host = start();
    expect(payloadOf('PING', await host.request('PING')).version).toBe(VERSION);
    const system = payloadOf('GET_SYSTEM_RESOURCES', await host.request('GET_SYSTEM_RESOURCES'));
    expect(system.cpu.cores).toBeGreaterThan(0);
    expect(system.available_ram).toBeGreaterThan(0);
    expect(await host.close()).toEqual({ code: 0, signal: null });
  });

  it('downloads, loads, runs, unloads and deletes a model', async () => {
    const host = start();
    payloadOf('DOWNLOAD_MODEL', await host.request('DOWNLOAD_MODEL', MODEL));
    const settings = { n_gpu_layers: 0, n_ctx: 256, n_threads: 1 };
    const loaded = payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { ...MODEL, settings }));
    expect(loaded).toMatchObject({ isReady: true, architecture: 'llama' });
    const messages = [{ role: 'user', content: '' }];
    const reply = await host.request('GENERATE', { messages, settings: { do_sample: false } });
    expect(payloadOf('GENERATE', reply).output).toBe(STORY_GREEDY);
    const modelId = `${REPO}/markov.gguf`;
    // The runner maps the file, so Windows would not delete it.
    expect(await host.request('DELETE_MODEL', MODEL)).toMatchObject({ code: 'MODEL_IN_USE' });
    payloadOf('UNLOAD_MODEL', await host.request('UNLOAD_MODEL', { modelId }));
    payloadOf('DELETE_MODEL', await host.request('DELETE_MODEL', MODEL));
    expect(await host.close()).toEqual({ code: 0, signal: null });
  });

  it('resumes a download after the host was killed', async () => {
    const first = start();
    const reached = first.next(({ type, payload }) => type === 'MODEL_DOWNLOAD_PROGRESS' && payload.loaded >= 30 * MiB);
    first.send({ action: 'DOWNLOAD_MODEL', requestId: 'download', ...LARGE });
    await reached;
    await first.kill();
    const second = start();
    const { downloads } = payloadOf('GET_ACTIVE_DOWNLOADS', await second.request('GET_ACTIVE_DOWNLOADS'));
    expect(downloads).toEqual([expect.objectContaining({ status: 'paused', total: LARGE_BYTES })]);
    expect(downloads[0]?.downloaded).toBeGreaterThan(0);
    payloadOf('DOWNLOAD_MODEL', await second.request('DOWNLOAD_MODEL', LARGE));
    payloadOf('VERIFY_MODEL', await second.request('VERIFY_MODEL', LARGE));
  });

  it('runs its commands for a user whose name has umlauts', async () => {
    const env = { HF_ENDPOINT: hub.url, HF_HUB_OFFLINE: '' };
    const tabagent = (...args: string[]) => user.run(program, args, { env });
    const run = ['run', 'markov', '--temperature', '0'];
    expect(await tabagent('pull', `${REPO}/markov.gguf`)).toMatchObject({ code: 0 });
    expect((await tabagent('ls')).stdout).toContain(`${REPO}/markov.gguf`);
    const answered = await tabagent(...run, 'small model');
    expect(answered).toMatchObject({ code: 0, stdout: expect.stringMatching(/\S/) });
    // A prompt can be piped.
    const piped = await user.run(program, run, { env, input: 'small model' });
    expect(piped).toMatchObject({ code: 0, stdout: answered.stdout });
    const { stdout } = await tabagent('doctor', '--json');
    const { findings } = JSON.parse(stdout);
    const failed = findings.filter(({ status }: { status: string }) => status === 'failed');
    expect(failed.map(({ check }: { check: string }) => check)).toEqual(['Google Chrome']);
    expect(await tabagent('rm', 'markov')).toMatchObject({ code: 0 });
    expect((await tabagent('ls')).stdout).not.toContain('markov.gguf');
  });
});
