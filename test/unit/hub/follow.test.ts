import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { follow } from '../../../host/hub/follow.ts';
import type { HttpClient, HttpRequest, HttpResponse } from '../../../host/hub/http.ts';

/**
 * Replaces the network, because a test cannot use TLS with fictitious hosts. Redirects each URL according to the table.
 * Every server has one address.
 */
function network(
  answers: Readonly<Record<string, string>>,
  address = '192.0.2.1',
): { http: Pick<HttpClient, 'send'>; sent: HttpRequest[] } {
  const sent: HttpRequest[] = [];
  const send = async (request: HttpRequest): Promise<HttpResponse> => {
    sent.push(request);
    const location = answers[request.url.href];
    const body = Readable.from([]);
    if (location === undefined) return { url: request.url, address, status: 200, headers: {}, body };
    return { url: request.url, address, status: 302, headers: { location, 'x-repo-commit': 'here' }, body };
  };
  return { http: { send }, sent };
}

const HUB = 'https://hub.example';
const request = (http: Pick<HttpClient, 'send'>, url: string) =>
  follow(http as HttpClient, {
    url: new URL(url),
    method: 'GET',
    headers: {},
    signal: undefined,
    token: 'secret',
    tokenOrigin: HUB,
  });

describe('follow', () => {
  it('sends the token to the hub only, also after a redirect away and back', async () => {
    const { http, sent } = network({
      [`${HUB}/a`]: '/b',
      [`${HUB}/b`]: 'https://cdn.example/c',
      'https://cdn.example/c': `${HUB}/d`,
    });
    await request(http, `${HUB}/a`);
    expect(sent.map(({ url, headers }) => [url.href, headers.authorization])).toEqual([
      [`${HUB}/a`, 'Bearer secret'],
      [`${HUB}/b`, 'Bearer secret'],
      ['https://cdn.example/c', undefined],
      [`${HUB}/d`, 'Bearer secret'],
    ]);
  });

  it.each([
    ['another port', 'https://hub.example:8443/x'],
    ['a subdomain', 'https://evil.hub.example/x'],
    ['a host with the same prefix', 'https://hub.example.evil/x'],
  ])('does not send the token to %s', async (_what, location) => {
    const { http, sent } = network({ [`${HUB}/a`]: location });
    await request(http, `${HUB}/a`);
    expect(sent[1]?.headers.authorization).toBeUndefined();
  });

  it.each([
    ['to plain HTTP', 'http://hub.example/a'],
    ['to this machine', 'https://127.0.0.1:8443/a'],
    ['to a name of this machine', 'https://localhost/a'],
    ['into a private network', 'https://192.168.1.1/a'],
    ['to a link-local address', 'https://169.254.169.254/latest'],
    ['to an IPv4 address in IPv6 form', 'https://[::ffff:10.0.0.1]/a'],
    ['to an unsupported protocol', 'ftp://hub.example/a'],
    ['to a script', 'javascript:alert(1)'],
    ['to a URL with a password', 'https://user:word@cdn.example/a'],
    ['to an invalid URL', 'https://'],
    ['to itself', `${HUB}/a`],
  ])('rejects a redirect %s', async (_what, location) => {
    const { http } = network({ [`${HUB}/a`]: location });
    await expect(request(http, `${HUB}/a`)).rejects.toMatchObject({ code: 'REDIRECT_REFUSED' });
  });

  it('requires public addresses only after a redirect by a public server', async () => {
    const chain = { [`${HUB}/a`]: 'https://cdn.example/b', 'https://cdn.example/b': 'https://other.example/c' };
    const { http, sent } = network(chain);
    await request(http, `${HUB}/a`);
    expect(sent.map(({ publicOnly }) => publicOnly)).toEqual([false, true, true]);
  });

  it.each(['10.0.0.5', '127.0.0.1', 'fd00::1'])('lets a hub at %s redirect to its neighbors', async (address) => {
    const chain = { [`${HUB}/a`]: 'https://cdn.example/b', 'https://cdn.example/b': 'https://10.0.0.6/c' };
    const { http, sent } = network(chain, address);
    await request(http, `${HUB}/a`);
    expect(sent.map(({ publicOnly }) => publicOnly)).toEqual([false, false, false]);
  });

  it("returns the hub's own headers with the response of the host that it redirects to", async () => {
    const { http } = network({ [`${HUB}/a`]: 'https://cdn.example/c' });
    expect((await request(http, `${HUB}/a`)).hubHeaders).toMatchObject({ 'x-repo-commit': 'here' });
  });
});
