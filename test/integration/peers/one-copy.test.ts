import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runCommand, startCommand } from '../../support/cli/run-command.ts';
import { bertModel } from '../../support/gguf/bert-model.ts';
import { markovModel, START } from '../../support/gguf/markov-model.ts';
import { scriptedModel } from '../../support/gguf/scripted-model.ts';
import { string } from '../../support/gguf/write-gguf.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess } from '../../support/host/host-process.ts';
import { payloadOf } from '../../support/host/payload-of.ts';
import { ServeProcess } from '../../support/serve/serve-process.ts';
import { FAMILIES, TOOLS } from '../../support/tools/families.ts';

const FOLDER = 'tabagent/shared-gguf';
const STORY = `${FOLDER}/story.gguf`;
const ENDLESS = `${FOLDER}/endless.gguf`;
const TOOLED = `${FOLDER}/tools.gguf`;
const VECTORS = `${FOLDER}/vectors.gguf`;
const RANKER = `${FOLDER}/ranker.gguf`;
const WORDS = ['red', 'green', 'blue'];
const [HERMES] = FAMILIES;
const echo = { 'tokenizer.chat_template': string("{{ messages[-1]['content'] }}") };
const SETTINGS = { n_gpu_layers: 0, n_threads: 1 };
const GREEDY = { temperature: 0 };
const LOADING = 'modelWorkerLoadingProgress';
const ask = (content: string) => [{ role: 'user', content }];

let begun = 0;

/** Starts a generation. `first` resolves with its first text. */
function begin(host: HostProcess, fields: object) {
  begun += 1;
  const requestId = `begun-${begun}`;
  const reply = host.next((message) => message.requestId === requestId && 'status' in message);
  const first = host.next((message) => message.requestId === requestId && message.type === 'generationUpdate');
  // Some hosts are killed while they generate.
  for (const promise of [reply, first]) promise.catch(() => {});
  host.send({ action: 'GENERATE', requestId, ...fields });
  return { requestId, reply, first };
}

/** Returns the event with which a host reports that it no longer has a model. */
async function unloading(host: HostProcess) {
  const isIt = ({ type }: { type?: string }) => type === 'MODEL_UNLOADED';
  return (host.received.find(isIt) ?? (await host.next(isIt))).payload;
}

describe('a model that several hosts of a user use', () => {
  let fixture: HostFixture;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    const folder = join(fixture.home, 'models', FOLDER);
    await mkdir(folder, { recursive: true });
    const models = {
      story: markovModel({ metadata: echo }),
      endless: markovModel({ metadata: echo, chain: { [START]: { on: 1 }, on: { on: 1 } }, contextLength: 65_536 }),
      tools: scriptedModel(HERMES),
      vectors: bertModel({ words: WORDS }),
      ranker: bertModel({ words: WORDS, rank: { red: 1, blue: -1 } }),
    };
    for (const [name, bytes] of Object.entries(models)) await writeFile(join(folder, `${name}.gguf`), bytes);
  });
  afterEach(() => fixture.close());

  const load = async (host: HostProcess, modelId: string, more: object = {}) =>
    payloadOf('LOAD_MODEL', await host.request('LOAD_MODEL', { modelId, ...more }));
  const own = (host: HostProcess, modelId: string) => load(host, modelId, { settings: SETTINGS });
  const loaded = async (host: HostProcess) =>
    payloadOf('GET_LOADED_MODELS', await host.request('GET_LOADED_MODELS')).models;
  const announced = async () => {
    const names = (await readdir(join(fixture.home, 'hosts'))).filter((name) => name.endsWith('.json'));
    const all = names.map(async (name) => JSON.parse(await readFile(join(fixture.home, 'hosts', name), 'utf8')));
    // A server is announced without models, too.
    return (await Promise.all(all)).filter(({ models }) => models.length > 0);
  };

  it('is loaded once, and serves each host as its own', async () => {
    const [one, two] = [fixture.host(), fixture.host()];
    await one.request('PING', { program: 'Firefox' });
    const host = { pid: one.pid, program: 'Firefox' };
    expect(await own(one, STORY)).not.toHaveProperty('host');
    const found = await load(two, STORY);
    expect(found).toMatchObject({ alreadyLoaded: true, host, contextSize: 512 });
    expect(await loaded(two)).toMatchObject([{ modelId: STORY, host }]);
    expect(payloadOf('LIST_HOSTS', await two.request('LIST_HOSTS')).hosts).toMatchObject([host]);
    expect((await loaded(one))[0]).not.toHaveProperty('host');
    // Only the host that has it in memory announces it.
    expect(await announced()).toMatchObject([{ pid: one.pid, models: [{ model_id: STORY }] }]);

    const request = { messages: ask('once'), settings: { ...GREEDY, seed: 1 } };
    const answers = [await one.request('GENERATE', request), await two.request('GENERATE', request)];
    const [mine, other] = answers.map((reply) => payloadOf('GENERATE', reply));
    expect(other?.output).toBe(' upon one time there was a small model .');
    expect([other?.output, other?.finishReason]).toEqual([mine?.output, mine?.finishReason]);
    const streamed = two.received.filter(({ type }) => type === 'generationUpdate');
    expect(streamed.map(({ payload }) => payload.token).join('')).toBe(other?.output);
    expect(one.received.filter(({ type }) => type === 'generationUpdate').length).toBeGreaterThan(0);

    const rendered = payloadOf('RENDER_PROMPT', await two.request('RENDER_PROMPT', { messages: ask('once upon') }));
    expect(rendered).toEqual(
      payloadOf('RENDER_PROMPT', await one.request('RENDER_PROMPT', { messages: ask('once upon') })),
    );
    expect(
      payloadOf('COUNT_TOKENS', await two.request('COUNT_TOKENS', { texts: ['once', 'upon'] })).tokens,
    ).toBeGreaterThan(1);
    const schema = { enum: ['upon', 'there'] };
    const held = await two.request('GENERATE', { prompt: 'once', settings: { ...GREEDY, json_schema: schema } });
    expect(schema.enum).toContain(JSON.parse(payloadOf('GENERATE', held).output));
    // Errors are those of the host that has the model.
    expect(await two.request('GENERATE', { prompt: 'once '.repeat(600) })).toMatchObject({ code: 'CONTEXT_OVERFLOW' });
    await Promise.all([one.close(), two.close()]);
  });

  it('is loaded once even if several hosts load it at the same time', async () => {
    const hosts = [fixture.host(), fixture.host(), fixture.host()];
    const replies = await Promise.all(hosts.map((host) => own(host, STORY)));
    expect(replies.filter(({ host }) => host === undefined)).toHaveLength(1);
    expect(await announced()).toHaveLength(1);
  });

  it('supports tool calls, embeddings and ranking for another host', async () => {
    const [one, two] = [fixture.host(), fixture.host()];
    for (const id of [TOOLED, VECTORS, RANKER]) {
      await own(one, id);
      await load(two, id);
    }
    const called = await two.request('GENERATE', { modelId: TOOLED, messages: ask('weather'), tools: TOOLS });
    expect(payloadOf('GENERATE', called).tool_calls?.[0]?.function.name).toBe('get_weather');
    const texts = { modelId: VECTORS, texts: ['red', 'green blue'] };
    const [a, b] = [await one.request('GENERATE_EMBEDDINGS', texts), await two.request('GENERATE_EMBEDDINGS', texts)];
    expect(payloadOf('GENERATE_EMBEDDINGS', b).embeddings).toEqual(payloadOf('GENERATE_EMBEDDINGS', a).embeddings);
    const documents = { modelId: RANKER, query: 'green', documents: ['blue', 'red'] };
    const ranked = payloadOf('RERANK_DOCUMENTS', await two.request('RERANK_DOCUMENTS', documents));
    expect(ranked.results[0]).toMatchObject({ document: 'red' });
    expect(await two.request('RERANK_DOCUMENTS', { ...documents, modelId: STORY })).toMatchObject({ status: 'error' });
  });

  it('stops and aborts only generations of the requesting host', async () => {
    const [one, two] = [fixture.host(), fixture.host()];
    await own(one, ENDLESS);
    await load(two, ENDLESS);
    const request = { messages: ask('on'), settings: { max_new_tokens: 60_000 } };
    const other = begin(two, request);
    await other.first;
    await two.request('STOP_GENERATION', { targetRequestId: other.requestId });
    expect(payloadOf('GENERATE', await other.reply).finishReason).toBe('stopped');
    const mine = begin(one, request);
    await mine.first;
    expect(await two.request('STOP_GENERATION')).toMatchObject({ payload: { stopped: 0 } });
    // The requesting host is killed while its generation waits for the other one.
    begin(two, request);
    await two.request('PING');
    await two.kill();
    await one.request('STOP_GENERATION');
    expect(payloadOf('GENERATE', await mine.reply).finishReason).toBe('stopped');
    const next = { messages: ask('on'), settings: { max_new_tokens: 1 } };
    expect(payloadOf('GENERATE', await one.request('GENERATE', next)).finishReason).toBe('length');
  });

  it('is reported as lost when its host exits or is killed, and is then loaded by the other one', async () => {
    for (const end of ['close', 'kill'] as const) {
      const [one, two] = [fixture.host(), fixture.host()];
      await own(one, ENDLESS);
      await load(two, ENDLESS);
      const running = begin(two, { messages: ask('on'), settings: { max_new_tokens: 60_000 } });
      await running.first;
      await one[end]();
      expect(await running.reply).toMatchObject({ status: 'error', code: 'MODEL_NOT_LOADED' });
      expect(await unloading(two)).toEqual({ modelId: ENDLESS, reason: 'host' });
      expect(await loaded(two)).toEqual([]);
      const again = await own(two, ENDLESS);
      expect(again).toMatchObject({ alreadyLoaded: false });
      expect(again).not.toHaveProperty('host');
      await two.close();
    }
    expect(await readdir(join(fixture.home, 'hosts'))).toEqual([]);
  });

  it('is loaded by the waiting host if the loading host is killed', async () => {
    for (const status of ['initiate', 'progress']) {
      const [one, two] = [fixture.host(), fixture.host()];
      const started = one.next(({ type, payload }) => type === LOADING && payload.status === status);
      one.send({ action: 'LOAD_MODEL', requestId: 'killed', modelId: STORY, settings: SETTINGS });
      const loading = own(two, STORY);
      // A load this small may have no progress to report.
      await Promise.race([
        started,
        one.next(({ requestId, status: ended }) => requestId === 'killed' && ended !== undefined),
      ]);
      await one.kill();
      const { host, isReady } = await loading;
      expect(isReady).toBe(true);
      // Its reply may have arrived before the other host was killed. Then it has lost the model, and loads it now.
      if (host !== undefined) {
        expect(await unloading(two)).toEqual({ modelId: STORY, reason: 'host' });
        expect(await own(two, STORY)).not.toHaveProperty('host');
      }
      const answer = await two.request('GENERATE', { prompt: 'once', settings: GREEDY });
      expect(payloadOf('GENERATE', answer).output).toBe(' upon one time there was a small model .');
      await two.close();
    }
  });

  it('is loaded by a host if the host that has it does not respond', async () => {
    const [one, two] = [fixture.host(), fixture.host()];
    await own(one, ENDLESS);
    await load(two, ENDLESS);
    const running = begin(two, { messages: ask('on'), settings: { max_new_tokens: 60_000 } });
    await running.first;
    one.child.kill('SIGSTOP');
    expect(await own(fixture.host(), ENDLESS)).toMatchObject({ alreadyLoaded: false });
    await two.request('STOP_GENERATION');
    expect(await running.reply).toMatchObject({ code: 'MODEL_NOT_LOADED' });
    expect(await unloading(two)).toEqual({ modelId: ENDLESS, reason: 'host' });
    one.child.kill('SIGCONT');
  });

  it('is unloaded in its host when a client of another host requests that', async () => {
    const [one, two, three] = [fixture.host(), fixture.host(), fixture.host()];
    await own(one, STORY);
    await load(two, STORY);
    await load(three, STORY);
    expect(await two.request('UNLOAD_MODEL', { modelId: STORY })).toMatchObject({ payload: { wasLoaded: true } });
    expect(await unloading(one)).toEqual({ modelId: STORY, reason: 'request' });
    expect(await unloading(three)).toEqual({ modelId: STORY, reason: 'host' });
    expect(two.received.some(({ type }) => type === 'MODEL_UNLOADED')).toBe(false);
    for (const host of [one, two, three]) expect(await loaded(host)).toEqual([]);
  });

  it('stays loaded when a host that only uses it exits, or no longer uses it', async () => {
    const [one, two] = [fixture.host(), fixture.host()];
    await own(one, STORY);
    await load(two, STORY, { keepAlive: 0 });
    expect(await unloading(two)).toEqual({ modelId: STORY, reason: 'idle' });
    expect(await loaded(two)).toEqual([]);
    await load(two, STORY);
    await two.request('UNLOAD_ALL_MODELS');
    expect(await loaded(two)).toEqual([]);
    await load(two, STORY);
    await two.kill();
    expect(await loaded(one)).toHaveLength(1);
    expect(await one.request('GENERATE', { prompt: 'once', settings: GREEDY })).toMatchObject({ status: 'success' });
  });

  it('is loaded again for a request with other settings', async () => {
    const [one, two] = [fixture.host(), fixture.host()];
    await own(one, STORY);
    expect(await load(two, STORY, { settings: { n_ctx: 512 } })).toMatchObject({ host: { pid: one.pid } });
    const differs = { settings: { ...SETTINGS, n_ctx: 256 } };
    expect(await load(two, STORY, { ...differs, reload: false })).toMatchObject({ host: { pid: one.pid } });
    const mine = await load(two, STORY, differs);
    expect([mine.contextSize, mine.host]).toEqual([256, undefined]);
    expect(await loaded(one)).toMatchObject([{ config: { context_size: 512 } }]);
  });

  it('can be unloaded from all hosts with the command line', async () => {
    const [one, two] = [fixture.host(), fixture.host()];
    await own(one, ENDLESS);
    await load(two, ENDLESS);
    const request = { messages: ask('on'), settings: { max_new_tokens: 60_000 } };
    const [mine, other] = [begin(one, request), begin(two, request)];
    await Promise.race([mine.first, other.first]);
    await runCommand(['stop', ENDLESS], { home: fixture.home });
    // The first command may be processed before the waiting one.
    await Promise.race([mine.reply, other.reply]);
    await Promise.all([mine, other].map(({ first, reply }) => Promise.race([first, reply])));
    await runCommand(['stop'], { home: fixture.home });
    for (const { reply } of [mine, other]) expect(payloadOf('GENERATE', await reply).finishReason).toBe('stopped');
  });

  it('is loaded by the command line in the running server, where every host can use it', async () => {
    const tabagent = (...typed: string[]) => runCommand(typed, { home: fixture.home });
    expect(await tabagent('load', STORY)).toMatchObject({ code: 1, stderr: expect.stringContaining('NO_SERVER') });
    const server = fixture.use(await ServeProcess.start(fixture.home));
    expect((await tabagent('ps')).stderr).toBe('No models are loaded.\n');
    const host = { pid: server.child.pid, program: 'tabagent serve' };
    const first = await tabagent('load', 'story', '--threads', '1', '--gpu-layers', '0', '--json');
    expect(JSON.parse(first.stdout)).toMatchObject({ alreadyLoaded: false, host });
    const process = `tabagent serve (process ${server.child.pid})`;
    expect((await tabagent('load', STORY)).stdout).toContain(`is already loaded in ${process}.`);
    expect((await tabagent('ps')).stdout).toContain(`tabagent serve (${server.child.pid})`);
    expect(await load(fixture.host(), STORY)).toMatchObject({ host });
    expect(await tabagent('load', 'none')).toMatchObject({ code: 3 });
    await server.close();
    expect(await announced()).toEqual([]);
  });

  it('can be used by the command line and by programs', async () => {
    const host = fixture.host();
    await own(host, STORY);
    const tabagent = (...typed: string[]) => runCommand(typed, { home: fixture.home });
    const ran = await tabagent('run', STORY, 'once', '--temperature', '0', '--json');
    expect(ran.stdout).toContain('upon one time');
    expect((await announced()).map(({ pid }) => pid)).toEqual([host.pid]);
    const server = fixture.use(await ServeProcess.start(fixture.home));
    const headers = { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ model: 'story', prompt: 'once upon', temperature: 0 });
    const response = await fetch(`${server.url}/v1/completions`, { method: 'POST', headers, body });
    expect(await response.json()).toMatchObject({ choices: [{ text: ' one time there was a small model .' }] });
    expect((await announced()).map(({ pid }) => pid)).toEqual([host.pid]);
    expect((await tabagent('ps')).stdout).toContain(String(host.pid));
    expect((await tabagent('stop', '--json')).stdout).toContain('"stopped": 0');
    expect(await tabagent('unload', 'story')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`Unloaded ${STORY}`),
    });
    expect(await unloading(host)).toEqual({ modelId: STORY, reason: 'request' });
    expect(await announced()).toEqual([]);
    expect(await tabagent('unload', 'story')).toMatchObject({ code: 3, stderr: expect.stringContaining('not loaded') });
  });

  it('is found by each of its names, whichever host has it', async () => {
    const repo = 'tabagent/named-gguf';
    const id = `${repo}/sub/named-Q8_0.gguf`;
    await mkdir(join(fixture.home, 'models', repo, 'sub'), { recursive: true });
    await writeFile(join(fixture.home, 'models', id), markovModel({ metadata: echo }));
    const one = fixture.host();
    await own(one, id);
    const tabagent = (...typed: string[]) => runCommand([...typed, '--json'], { home: fixture.home });
    for (const typed of [id, repo, `${repo}:Q8_0`, `${repo}:q8_0`, 'named-Q8_0', 'sub/named-q8_0.GGUF']) {
      const ran = await tabagent('run', typed, 'once', '--temperature', '0');
      expect([typed, ran.code, ran.stdout.includes('upon one time')]).toEqual([typed, 0, true]);
      expect([typed, (await tabagent('stop', typed)).stdout.trim()]).toEqual([typed, '{\n  "stopped": 0\n}']);
      const unloaded = JSON.parse((await tabagent('unload', typed)).stdout).unloaded;
      expect([typed, unloaded]).toMatchObject([typed, [{ id }]]);
      expect([typed, await loaded(one)]).toEqual([typed, []]);
      await own(one, id);
    }
    expect((await tabagent('unload', `${repo}:Q4_0`)).code).toBe(3);
  });

  it('is unloaded by its repository in another host only if that has one model of it', async () => {
    const [one, two] = [fixture.host(), fixture.host()];
    await own(one, STORY);
    await own(one, TOOLED);
    const ambiguous = await two.request('UNLOAD_MODEL', { repoId: FOLDER });
    expect(ambiguous).toMatchObject({ status: 'error', code: 'INVALID_REQUEST' });
    expect(ambiguous.message).toContain(STORY);
    const typed = await runCommand(['unload', FOLDER], { home: fixture.home });
    expect(typed).toMatchObject({ code: 2, stderr: expect.stringContaining(TOOLED) });
    // A model that this host uses is preferred.
    await load(two, STORY);
    expect(await two.request('UNLOAD_MODEL', { repoId: FOLDER })).toMatchObject({ payload: { modelId: STORY } });
    expect((await loaded(one)).map(({ modelId }) => modelId)).toEqual([TOOLED]);
  });

  it('generates nothing more for a command that is killed, and a command ends when its host is killed', async () => {
    const one = fixture.host();
    await own(one, ENDLESS);
    const startRun = async () => {
      const typed = ['run', ENDLESS, 'on', '--max-tokens', '60000'];
      const child = startCommand(typed, { home: fixture.home });
      const exit = once(child, 'close');
      child.stdin.end();
      child.stderr.resume();
      await once(child.stdout, 'data');
      return { child, exit };
    };
    const active = async () =>
      payloadOf('GENERATE', await one.request('GENERATE', { messages: ask('on'), settings: { max_new_tokens: 1 } }));
    // More than the model generates at once: later ones only start if the earlier ones have ended.
    for (let run = 0; run < 6; run += 1) {
      const { child, exit } = await startRun();
      child.kill('SIGKILL');
      await exit;
    }
    expect((await active()).finishReason).toBe('length');

    const { exit } = await startRun();
    await one.kill();
    expect((await exit)[0]).not.toBe(0);
  });

  it('is not loaded for a command whose server is killed meanwhile', async () => {
    const server = await ServeProcess.start(fixture.home);
    const child = startCommand(['load', STORY, '--json'], { home: fixture.home });
    const exit = once(child, 'close');
    child.stdout.resume();
    child.stderr.resume();
    // The lock of the load exists from the moment when the server loads the model.
    while ((await loadLocks()) === 0) await new Promise((resolve) => setImmediate(resolve));
    server.child.kill('SIGKILL');
    await exit;
    expect(await own(fixture.host(), STORY)).toMatchObject({ alreadyLoaded: false, isReady: true });
  });

  const loadLocks = async () =>
    (await readdir(join(fixture.home, 'locks')).catch(() => [])).filter((name) => name.startsWith('load-')).length;

  describe('its address', () => {
    it('is in a folder of its own if the path of the data folder is too long for a socket', async () => {
      const home = join(fixture.home, 'a'.repeat(60), 'b'.repeat(60));
      const folder = join(home, 'models', FOLDER);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(join(folder, 'story.gguf'), markovModel({ metadata: echo }));
      const [one, two] = [fixture.host({ home }), fixture.host({ home })];
      await own(one, STORY);
      const [file = ''] = (await readdir(join(home, 'hosts'))).filter((name) => name.endsWith('.json'));
      const { address } = JSON.parse(await readFile(join(home, 'hosts', file), 'utf8')).access;
      expect(Buffer.byteLength(address)).toBeLessThan(104);
      expect((await stat(dirname(address))).mode & 0o777).toBe(0o700);
      expect((await stat(address)).mode & 0o777).toBe(0o600);
      expect(await load(two, STORY)).toMatchObject({ host: { pid: one.pid } });
      await one.close();
      await expect(stat(dirname(address))).rejects.toMatchObject({ code: 'ENOENT' });

      // The next host removes the folder of one that was killed.
      const three = fixture.host({ home });
      await own(three, STORY);
      const [left = ''] = (await readdir(join(home, 'hosts'))).filter((name) => name.endsWith('.json'));
      const killed = JSON.parse(await readFile(join(home, 'hosts', left), 'utf8')).access.address;
      await three.kill();
      await two.request('LIST_HOSTS');
      await expect(stat(dirname(killed))).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it('is not looked for in a folder to which another user can write', async () => {
      const one = fixture.host();
      await own(one, STORY);
      await chmod(join(fixture.home, 'hosts'), 0o777);
      const refused = await fixture.host().request('LOAD_MODEL', { modelId: STORY });
      expect(refused).toMatchObject({ status: 'error', code: 'UNSAFE_FOLDER' });
      expect(refused.message).toContain(join(fixture.home, 'hosts'));
      await chmod(join(fixture.home, 'hosts'), 0o700);
      expect(await load(fixture.host(), STORY)).toMatchObject({ host: { pid: one.pid } });
    });

    it('can be opened only by the user, and its secret is in no reply or log', async () => {
      const host = fixture.host();
      await own(host, STORY);
      const [{ access }] = await announced();
      expect((await stat(access.address)).mode & 0o777).toBe(0o600);
      expect((await stat(join(fixture.home, 'hosts'))).mode & 0o777).toBe(0o700);
      await host.request('LIST_HOSTS');
      await host.request('GET_LOADED_MODELS');
      expect(JSON.stringify(host.received)).not.toContain(access.secret);
      expect(await readFile(join(fixture.home, 'logs', 'host.log'), 'utf8')).not.toContain(access.secret);
    });

    it('rejects callers with a wrong secret, and is not trusted without the right one', async () => {
      const [one, two] = [fixture.host(), fixture.host()];
      await own(one, STORY);
      const [file] = (await readdir(join(fixture.home, 'hosts'))).filter((name) => name.endsWith('.json'));
      const path = join(fixture.home, 'hosts', file ?? '');
      const announcement = JSON.parse(await readFile(path, 'utf8'));
      const { address } = announcement.access;
      await writeFile(path, JSON.stringify({ ...announcement, access: { address, secret: 'wrong' } }));
      expect(await own(two, STORY)).toMatchObject({ alreadyLoaded: false });
    });

    it('is not used if its host has another version', async () => {
      const [one, two] = [fixture.host(), fixture.host()];
      await own(one, STORY);
      const [file] = (await readdir(join(fixture.home, 'hosts'))).filter((name) => name.endsWith('.json'));
      const path = join(fixture.home, 'hosts', file ?? '');
      await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), version: '0.0.1' }));
      expect(await own(two, STORY)).toMatchObject({ alreadyLoaded: false });
    });

    it('receives neither the secret nor a request if another program uses it, and the model is loaded', async () => {
      const [one, two] = [fixture.host(), fixture.host()];
      await own(one, STORY);
      const heard: Buffer[] = [];
      const sockets: Socket[] = [];
      const planted = createServer((socket) => {
        sockets.push(socket);
        socket.on('error', () => {});
        socket.on('data', (bytes) => {
          heard.push(bytes);
          socket.write(`${JSON.stringify({ nonce: 'x', proof: 'y'.repeat(64) })}\n`);
        });
      });
      const address = join(fixture.home, 'planted.sock');
      planted.listen(address);
      await once(planted, 'listening');
      const [file] = (await readdir(join(fixture.home, 'hosts'))).filter((name) => name.endsWith('.json'));
      const path = join(fixture.home, 'hosts', file ?? '');
      const announcement = JSON.parse(await readFile(path, 'utf8'));
      const { secret } = announcement.access;
      await writeFile(path, JSON.stringify({ ...announcement, access: { address, secret } }));
      expect(await own(two, STORY)).toMatchObject({ alreadyLoaded: false });
      const text = Buffer.concat(heard).toString();
      const lines = text.trim().split('\n');
      expect(lines.map((line) => Object.keys(JSON.parse(line)))).toEqual(lines.map(() => ['nonce']));
      expect(text).not.toContain(secret);
      for (const socket of sockets) socket.destroy();
      planted.close();
    });
  });
});
