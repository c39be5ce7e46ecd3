import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HostConnection } from '../../../extension/host-connection.ts';
import type { HostEvent } from '../../../host/protocol/messages.ts';
import { portOf } from '../../support/extension/host-port.ts';
import { markovModel } from '../../support/gguf/markov-model.ts';
import { HostFixture } from '../../support/host/host-fixture.ts';
import type { HostProcess } from '../../support/host/host-process.ts';
import { startHub } from '../../support/hub/hub.ts';

const MODEL = { modelPath: 'tabagent/markov-gguf/markov.gguf' };

describe("the extension's connection to a real host", () => {
  let fixture: HostFixture;
  let hosts: HostProcess[];
  let events: HostEvent[];
  let connection: HostConnection;

  beforeEach(async () => {
    fixture = await HostFixture.open();
    const hub = fixture.use(
      await startHub({ repos: { 'tabagent/markov-gguf': { files: { 'markov.gguf': markovModel() } } } }),
    );
    hosts = [];
    events = [];
    connection = new HostConnection({
      connect: () => {
        const host = fixture.host({ env: { HF_ENDPOINT: hub.url } });
        hosts.push(host);
        return portOf(host);
      },
      reasonOf: () => 'Native host has exited.',
      onEvent: (event) => events.push(event),
    });
  });
  afterEach(() => fixture.close());

  it('opens one port with the first request, and returns each reply to its request', async () => {
    expect(hosts).toHaveLength(0);
    const [pong, list, resources] = await Promise.all([
      connection.request('PING'),
      connection.request('GET_DOWNLOADED_MODELS'),
      connection.request('GET_SYSTEM_RESOURCES'),
    ]);
    expect(hosts).toHaveLength(1);
    expect(pong.pid).toBe(hosts[0]?.pid);
    expect(list.models).toEqual([]);
    expect(resources.cpu.cores).toBeGreaterThan(0);
  });

  it('delivers events, and errors with their code and details', async () => {
    await connection.request('DOWNLOAD_MODEL', MODEL);
    expect(events.at(-1)).toMatchObject({ type: 'MODEL_DOWNLOAD_PROGRESS', payload: { progress: 100 } });
    await expect(connection.request('UNLOAD_MODEL', { modelId: MODEL.modelPath })).rejects.toMatchObject({
      name: 'RequestError',
      code: 'MODEL_NOT_LOADED',
      details: { modelId: MODEL.modelPath },
    });
  });

  it('rejects the requests of a host that exits, and starts another one for the next request', async () => {
    await connection.request('PING');
    const asked = connection.request('LOAD_MODEL', MODEL);
    const lost = expect(asked).rejects.toMatchObject({ code: 'HOST_DISCONNECTED', message: 'Native host has exited.' });
    await hosts[0]?.kill();
    await lost;
    expect((await connection.request('PING')).pid).toBe(hosts[1]?.pid);
  });

  it('closes the host when it is closed', async () => {
    await connection.request('PING');
    connection.close();
    expect(await hosts[0]?.exited).toEqual({ code: 0, signal: null });
  });
});
