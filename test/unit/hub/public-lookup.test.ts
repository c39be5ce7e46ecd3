import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HttpClient } from '../../../host/hub/http.ts';
import { ProxyRoutes } from '../../../host/hub/proxy.ts';
import { lookupPublic } from '../../../host/hub/public-lookup.ts';

const requests: string[] = [];
const server = createServer((request, response) => {
  requests.push(request.url ?? '');
  response.end('secret');
});
beforeAll(async () => {
  server.listen(0);
  await once(server, 'listening');
});
afterAll(() => void server.close());

const client = (env: NodeJS.ProcessEnv = {}) =>
  new HttpClient({ timeoutMs: 20_000, stallMs: 20_000, proxies: new ProxyRoutes(env, 20_000) });
/** A name that the system resolves to an address of this machine: `localhost` is one that a URL alone shows. */
const urlOf = (path: string) => new URL(path, `http://localhost:${(server.address() as AddressInfo).port}`);
const send = (url: URL, isBulk: boolean, publicOnly: boolean, env?: NodeJS.ProcessEnv) =>
  client(env).send({ url, method: 'GET', headers: {}, signal: undefined, isBulk, publicOnly });

describe.each([
  ['a small request', false],
  ['a download', true],
])('%s', (_what, isBulk) => {
  it('does not connect to a name that resolves to this machine', async () => {
    await expect(send(urlOf('/refused'), isBulk, true)).rejects.toMatchObject({
      code: 'REDIRECT_REFUSED',
      details: { host: 'localhost', found: expect.stringMatching(/^(127\.|::1$)/) },
    });
    expect(requests).not.toContain('/refused');
  });

  it('connects if private addresses are allowed, and reports the address', async () => {
    const response = await send(urlOf('/allowed'), isBulk, false);
    response.body.destroy();
    expect(response).toMatchObject({ status: 200, address: expect.stringMatching(/127\.0\.0\.1|::1/) });
  });

  it("lets a proxy resolve names, because its address is not the server's", async () => {
    const { port } = server.address() as AddressInfo;
    const url = new URL('http://files.example/proxied');
    const response = await send(url, isBulk, true, { HTTP_PROXY: `http://127.0.0.1:${port}` });
    response.body.destroy();
    expect(response).toMatchObject({ status: 200, address: undefined });
  });
});

describe('lookupPublic', () => {
  it('reports names that do not exist as Node.js does', async () => {
    const error = await new Promise((resolve) => lookupPublic('no-such-host.invalid', { all: true }, resolve));
    expect(error).toMatchObject({ code: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/) });
  });

  it.each([true, false])('rejects a private address (all addresses: %s)', async (all) => {
    const error = await new Promise((resolve) => lookupPublic('127.0.0.1', { all }, resolve));
    expect(error).toMatchObject({ code: 'REDIRECT_REFUSED' });
  });

  it.each([true, false])('returns a public address (all addresses: %s)', async (all) => {
    const found = await new Promise((resolve) =>
      lookupPublic('192.0.2.1', { all }, (error, address) => resolve(error ?? address)),
    );
    expect(found).toEqual(all ? [{ address: '192.0.2.1', family: 4 }] : '192.0.2.1');
  });
});
