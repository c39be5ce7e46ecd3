import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { startHub, type TestHub } from '../../support/hub/hub.ts';

// The built entry point, as another program would import it, with the types of the source.
const door: typeof import('../../../host/index.ts') = await import(
  new URL('../../../dist/host/index.js', import.meta.url).href
);
const { createHost } = door;

const REPO = 'tabagent/markov-gguf';
const FILE = 'markov.gguf';

/** Returns the target of a link; undefined if it no longer exists, like the descriptor of the listed folder. */
function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}

describe('createHost', () => {
  const homes: string[] = [];
  const hosts: { close(): Promise<void> }[] = [];
  let hub: TestHub;

  beforeEach(async () => {
    hub = await startHub({ repos: { [REPO]: { files: { [FILE]: markovModel() } } } });
  });
  afterEach(async () => {
    for (const host of hosts.splice(0)) await host.close();
    for (const home of homes.splice(0)) rmSync(home, { recursive: true });
    await hub.close();
  });

  function open() {
    const home = mkdtempSync(join(tmpdir(), 'tabagent-library-'));
    homes.push(home);
    const host = createHost({
      home,
      env: { PATH: process.env.PATH, HOME: home, OLLAMA_MODELS: join(home, 'none'), HF_ENDPOINT: hub.url },
    });
    hosts.push(host);
    const ask = async (request: object) => JSON.parse(await host.handleMessage(JSON.stringify(request)));
    return { host, ask };
  }

  it('replies to JSON requests with JSON, and emits events', async () => {
    const { host, ask } = open();
    const heard: string[] = [];
    host.onEvent((event: { type: string }) => heard.push(event.type));
    expect(await ask({ action: 'PING', requestId: 1 })).toMatchObject({ response: 'pong', requestId: 1 });
    expect(await ask({ action: 'DOWNLOAD_MODEL', modelPath: REPO, modelFile: FILE })).toMatchObject({
      status: 'success',
    });
    expect(heard).toContain('MODEL_DOWNLOAD_PROGRESS');
    expect(
      await ask({
        action: 'LOAD_MODEL',
        modelPath: REPO,
        modelFile: FILE,
        settings: { n_threads: 1, n_gpu_layers: 0 },
      }),
    ).toMatchObject({ status: 'success', payload: { isReady: true } });
  });

  it.each(['', '[]', 'nonsense', '{"action"'])('answers INVALID_JSON to %j', async (json) => {
    expect(JSON.parse(await open().host.handleMessage(json))).toMatchObject({ status: 'error', code: 'INVALID_JSON' });
  });

  const onLinux = process.platform === 'linux' ? it : it.skip;
  onLinux('leaves no files open after it was closed', async () => {
    const { host, ask } = open();
    const [home = ''] = homes;
    const openFiles = () =>
      readdirSync('/proc/self/fd')
        .map((descriptor) => targetOf(join('/proc/self/fd', descriptor)))
        .filter((path) => path.startsWith(home));
    await ask({ action: 'DOWNLOAD_MODEL', modelPath: REPO, modelFile: FILE });
    await ask({ action: 'LOAD_MODEL', modelPath: REPO, modelFile: FILE, settings: { n_threads: 1, n_gpu_layers: 0 } });
    await ask({ action: 'CREATE_CONVERSATION', title: 'one' });
    await ask({ action: 'SET_PARAMS', params: { temperature: 0.5 } });
    await ask({ action: 'LIST_HOSTS' });
    expect(openFiles()).not.toEqual([]);
    await host.close();
    expect(openFiles()).toEqual([]);
    // Closing twice is allowed.
    await host.close();
  });

  it('creates independent hosts', async () => {
    const [one, other] = [open(), open()];
    await one.ask({ action: 'DOWNLOAD_MODEL', modelPath: REPO, modelFile: FILE });
    expect((await one.ask({ action: 'GET_DOWNLOADED_MODELS' })).payload.models).toHaveLength(1);
    expect((await other.ask({ action: 'GET_DOWNLOADED_MODELS' })).payload.models).toHaveLength(0);
  });
});
