import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Hub } from '../../../host/hub/hub.ts';
import { readModelOrRepoName } from '../../../host/protocol/model-name.ts';
import { quickConfig } from '../../support/cache/cache-fixture.ts';
import { type HubOptions, startHub, type TestHub } from '../../support/hub/hub.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const REPO = 'maker/many-GGUF';
const NAME = readModelOrRepoName({ repoId: REPO });
const FILE = Buffer.from('a model');
const SEARCH = { text: '', sort: 'downloads', limit: 20, cursor: undefined } as const;

let server: TestHub;
afterEach(() => server.close());

async function hubOf(options: Partial<HubOptions>, env: NodeJS.ProcessEnv = {}): Promise<Hub> {
  server = await startHub({ repos: { [REPO]: { files: { 'a.gguf': FILE } } }, ...options });
  const config = quickConfig(
    { TABAGENT_HOME: '/nowhere', HOME: '/nowhere', HF_ENDPOINT: server.url, ...env },
    { maxAttempts: 2 },
  );
  return new Hub({ endpoint: config.hubEndpoint, env: config.env, limits: config.limits, log: new RecordedLog() });
}

describe('repoFiles', () => {
  it('lists all files with their sizes, including those in folders', async () => {
    const hub = await hubOf({
      repos: { [REPO]: { files: { 'a.gguf': FILE, 'sub/b.gguf': FILE, 'README.md': FILE } } },
    });
    expect(await hub.repoFiles(NAME, {})).toEqual([
      { file: 'a.gguf', size: 7 },
      { file: 'sub/b.gguf', size: 7 },
      { file: 'README.md', size: 7 },
    ]);
  });

  it('uses the tree if a mirror does not have the model page', async () => {
    const hub = await hubOf({});
    server.fault({ kind: 'status', status: 404, match: ({ url }) => url.includes('blobs=true') });
    expect(await hub.repoFiles(NAME, {})).toEqual([{ file: 'a.gguf', size: 7 }]);
  });

  const listing = Buffer.from(JSON.stringify({ siblings: [{ rfilename: 'a.gguf', size: 7 }] }));
  it.each<[string, Buffer, Record<string, string>]>([
    ['compressed', gzipSync(listing), { 'content-encoding': 'gzip' }],
    ['with a byte order mark', Buffer.concat([Buffer.from('\ufeff'), listing]), {}],
  ])('reads a listing that a proxy sends %s', async (_what, body, headers) => {
    const hub = await hubOf({});
    server.fault({ kind: 'script', answer: (response) => response.writeHead(200, headers).end(body) });
    expect(await hub.repoFiles(NAME, {})).toEqual([{ file: 'a.gguf', size: 7 }]);
  });

  it.each<[string, Buffer, Record<string, string>, string]>([
    ['a web page', Buffer.from('<html>'), { 'content-type': 'text/html' }, 'a web page'],
    ['no JSON', Buffer.from('{'), {}, 'invalid JSON'],
    ['a bomb', gzipSync(Buffer.alloc(17 * 1024 * 1024, ' ')), { 'content-encoding': 'gzip' }, 'invalid JSON'],
  ])('says that a network sends something else: %s', async (_what, body, headers, found) => {
    const hub = await hubOf({});
    server.fault({ kind: 'script', answer: (response) => response.writeHead(200, headers).end(body) });
    await expect(hub.repoFiles(NAME, {})).rejects.toMatchObject({
      code: 'HUB_ERROR',
      details: { found: expect.stringMatching(`^${found}`) },
    });
  });

  it('omits files with invalid names and invalid entries', async () => {
    const listed: unknown[] = [
      { rfilename: '../../outside.gguf', size: 1 },
      { rfilename: '/etc/passwd.gguf', size: 1 },
      { rfilename: 'a\\..\\b.gguf', size: 1 },
      { rfilename: 'con.gguf', size: 1 },
      { rfilename: 'x'.repeat(5000), size: 1 },
      { rfilename: 7 },
      null,
      'text',
      [],
      { rfilename: 'huge.gguf', size: 1e300 },
      { rfilename: 'negative.gguf', size: -1 },
      { rfilename: 'lfs.gguf', size: 10, lfs: 'nonsense' },
    ];
    const hub = await hubOf({ repos: { [REPO]: { files: { 'a.gguf': FILE }, listed } } });
    expect(await hub.repoFiles(NAME, {})).toEqual([
      { file: 'a.gguf', size: 7 },
      { file: 'huge.gguf', size: undefined },
      { file: 'negative.gguf', size: undefined },
      { file: 'lfs.gguf', size: 10 },
    ]);
  });

  it.each<[string, (hub: TestHub) => void, string]>([
    ['an HTML page', (hub) => hub.fault({ kind: 'html' }), 'HUB_ERROR'],
    ['always 503', (hub) => hub.fault({ kind: 'status', status: 503 }), 'HUB_ERROR'],
    ['429', (hub) => hub.fault({ kind: 'status', status: 429 }), 'RATE_LIMITED'],
    ['404 without a reason', (hub) => hub.fault({ kind: 'status', status: 404 }), 'REPO_NOT_FOUND'],
    [
      '404 for the entry',
      (hub) => hub.fault({ kind: 'status', status: 404, headers: { 'x-error-code': 'EntryNotFound' } }),
      'REPO_NOT_FOUND',
    ],
    [
      'a redirect to itself',
      (hub) => hub.fault({ kind: 'redirect', to: '/api/models/maker/many-GGUF' }),
      'REDIRECT_REFUSED',
    ],
  ])('%s is a HostError', async (_what, fault, code) => {
    const hub = await hubOf({});
    fault(server);
    await expect(hub.repoFiles(NAME, {})).rejects.toMatchObject({ name: 'HostError', code });
  });

  it('ends at the first page that was sent before', async () => {
    const hub = await hubOf({});
    server.fault({
      kind: 'script',
      answer: (response, { url }) =>
        response
          .writeHead(200, { 'content-type': 'application/json', link: `<?cursor=${nextOf(url)}>; rel="next"` })
          .end('[]'),
    });
    const nextOf = (url: string) => (url.includes('cursor=a') ? 'b' : 'a');
    await expect(hub.repoFiles(NAME, {})).rejects.toMatchObject({ code: 'HUB_ERROR' });
    expect(server.requests).toHaveLength(3);
  });

  it('does not find a private repository without a token', async () => {
    const hub = await hubOf({ repos: { [REPO]: { files: { 'a.gguf': FILE }, private: true } }, token: 'hf_x' });
    await expect(hub.repoFiles(NAME, {})).rejects.toMatchObject({ code: 'REPO_NOT_FOUND' });
  });

  it('sends no request in offline mode', async () => {
    const hub = await hubOf({}, { HF_HUB_OFFLINE: '1' });
    await expect(hub.repoFiles(NAME, {})).rejects.toMatchObject({ code: 'OFFLINE' });
    await expect(hub.search(SEARCH, {})).rejects.toMatchObject({ code: 'OFFLINE' });
    expect(server.requests).toEqual([]);
  });
});

describe('search', () => {
  const repos = Object.fromEntries(
    Array.from({ length: 25 }, (_, n) => [
      `maker/qwen-${n}-GGUF`,
      { files: {}, found: { downloads: n, likes: 100 - n } },
    ]),
  );

  it('finds repositories by text, sorted, page by page', async () => {
    const hub = await hubOf({ repos: { ...repos, 'other/llama-GGUF': { files: {} } } });
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await hub.search({ ...SEARCH, text: 'qwen', limit: 10, cursor }, {});
      expect(page.repos.length).toBeLessThanOrEqual(10);
      seen.push(...page.repos.map(({ repoId }) => repoId));
      ({ cursor } = page);
    } while (cursor !== undefined);
    expect(seen).toHaveLength(25);
    expect(seen[0]).toBe('maker/qwen-24-GGUF');
    const { repos: liked } = await hub.search({ ...SEARCH, sort: 'likes', limit: 1 }, {});
    expect(liked).toMatchObject([{ repoId: 'maker/qwen-0-GGUF', likes: 100 }]);
  });

  it("returns the hub's information from the files", async () => {
    const found = {
      downloads: 5,
      lastModified: '2026-01-02T03:04:05.000Z',
      tags: ['gguf'],
      gguf: { total: 8e9, architecture: 'qwen3', context_length: 40960 },
    };
    const hub = await hubOf({ repos: { [REPO]: { files: {}, gated: true, found } } });
    const { repos } = await hub.search(SEARCH, {});
    expect(repos).toEqual([
      {
        repoId: REPO,
        downloads: 5,
        likes: undefined,
        lastModified: '2026-01-02T03:04:05.000Z',
        gated: true,
        tags: ['gguf'],
        gguf: { architecture: 'qwen3', parameters: 8e9, contextLength: 40960 },
      },
    ]);
  });

  it('ignores invalid fields and results with invalid names', async () => {
    const hub = await hubOf({
      repos: {
        [REPO]: {
          files: {},
          found: { downloads: 'many', likes: -1, lastModified: 5, tags: [1, 'x'.repeat(1000), 'ok'], gguf: 'yes' },
        },
        'a/b': { files: {}, found: { id: '../../etc' } },
        'c/d': { files: {}, found: { id: { toString: 'x' } } },
        'e/f': { files: {}, found: { id: 'e/f/g.gguf' } },
      },
    });
    const { repos } = await hub.search(SEARCH, {});
    expect(repos).toEqual([
      {
        repoId: REPO,
        downloads: undefined,
        likes: undefined,
        lastModified: undefined,
        gated: false,
        tags: ['ok'],
        gguf: undefined,
      },
    ]);
  });

  it.each<[string, (hub: TestHub) => void, string]>([
    ['an HTML page', (hub) => hub.fault({ kind: 'html' }), 'HUB_ERROR'],
    ['another status', (hub) => hub.fault({ kind: 'status', status: 400 }), 'HUB_ERROR'],
    ['429', (hub) => hub.fault({ kind: 'status', status: 429 }), 'RATE_LIMITED'],
    ['401', (hub) => hub.fault({ kind: 'status', status: 401 }), 'UNAUTHORIZED'],
  ])('a response with %s is a HostError', async (_what, fault, code) => {
    const hub = await hubOf({});
    fault(server);
    await expect(hub.search(SEARCH, {})).rejects.toMatchObject({ name: 'HostError', code });
  });
});
