import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { follow } from '../../../host/hub/follow.ts';
import type { HttpClient, HttpRequest, HttpResponse } from '../../../host/hub/http.ts';

/** Stands for the network: TLS between made-up hosts cannot be had in a test. Answers each address as the table says. */
function network(answers: Readonly<Record<string, string>>): { http: Pick<HttpClient, 'send'>; sent: HttpRequest[] } {
  const sent: HttpRequest[] = [];
  const send = async (request: HttpRequest): Promise<HttpResponse> => {
    sent.push(request);
    const location = answers[request.url.href];
    const body = Readable.from([]);
    if (location === undefined) return { url: request.url, status: 200, headers: {}, body };
    return { url: request.url, status: 302, headers: { location, 'x-repo-commit': 'here' }, body };
  };
  return { http: { send }, sent };
}

const HUB = 'https://hub.example';
const ask = (http: Pick<HttpClient, 'send'>, url: string) =>
  follow(http as HttpClient, {
    url: new URL(url),
    method: 'GET',
    headers: {},
    signal: undefined,
    token: 'secret',
    tokenOrigin: HUB,
  });

describe('follow', () => {
  it('sends the token to the hub, to no other host, and to the hub again after a redirect back', async () => {
    const { http, sent } = network({
      [`${HUB}/a`]: '/b',
      [`${HUB}/b`]: 'https://cdn.example/c',
      'https://cdn.example/c': `${HUB}/d`,
    });
    await ask(http, `${HUB}/a`);
    expect(sent.map(({ url, headers }) => [url.href, headers.authorization])).toEqual([
      [`${HUB}/a`, 'Bearer secret'],
      [`${HUB}/b`, 'Bearer secret'],
      ['https://cdn.example/c', undefined],
      [`${HUB}/d`, 'Bearer secret'],
    ]);
  });

  it.each([
    ['another port', 'https://hub.example:8443/x'],
    ['a host below it', 'https://evil.hub.example/x'],
    ['a host that begins like it', 'https://hub.example.evil/x'],
  ])('does not take %s for the hub', async (_what, location) => {
    const { http, sent } = network({ [`${HUB}/a`]: location });
    await ask(http, `${HUB}/a`);
    expect(sent[1]?.headers.authorization).toBeUndefined();
  });

  it.each([
    ['to plain HTTP', 'http://hub.example/a'],
    ['to another kind of address', 'ftp://hub.example/a'],
    ['to a script', 'javascript:alert(1)'],
    ['to an address with a password', 'https://user:word@cdn.example/a'],
    ['to nothing that is an address', 'https://'],
    ['to itself', `${HUB}/a`],
  ])('refuses a redirect %s', async (_what, location) => {
    const { http } = network({ [`${HUB}/a`]: location });
    await expect(ask(http, `${HUB}/a`)).rejects.toMatchObject({ code: 'REDIRECT_REFUSED' });
  });

  it("keeps the hub's own headers beside the answer of the host it redirects to", async () => {
    const { http } = network({ [`${HUB}/a`]: 'https://cdn.example/c' });
    expect((await ask(http, `${HUB}/a`)).hubHeaders).toMatchObject({ 'x-repo-commit': 'here' });
  });
});
