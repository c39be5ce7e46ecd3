import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Hub } from '../../../host/hub/hub.ts';
import { UnusableRange } from '../../../host/hub/hub-error.ts';
import { readModelName } from '../../../host/protocol/model-name.ts';
import { QUICK_LIMITS, seededBytes } from '../../support/cache/cache-fixture.ts';
import type { Fault } from '../../support/hub/faults.ts';
import { type HubOptions, type HubRequest, startHub, type TestHub } from '../../support/hub/hub.ts';
import { requestedRange, sendPart } from '../../support/hub/scripts.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const CONTENT = seededBytes(300_000, 41);
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const REPO = 'maker/model-GGUF';
const FILE = 'm.gguf';
const NAME = readModelName({ modelPath: REPO, modelFile: FILE });
const [START, END] = [100_000, 120_000];

let server: TestHub;
afterEach(() => server.close());

async function serve(options: Partial<HubOptions> = {}): Promise<void> {
  server = await startHub({ repos: { [REPO]: { files: { [FILE]: CONTENT } } }, ...options });
}

function open(env: NodeJS.ProcessEnv = {}, savedToken?: () => Promise<string>): Hub {
  const limits = { ...QUICK_LIMITS, maxAttempts: 2, stallTimeoutMs: 2000 };
  const options = { endpoint: server.url, env: { HOME: '/nowhere', ...env }, limits, log: new RecordedLog() };
  return new Hub(savedToken === undefined ? options : { ...options, savedToken });
}

const isHead = ({ method }: HubRequest) => method === 'HEAD';
const isCdn = ({ server }: HubRequest) => server === 'cdn';
const isResolve = ({ server, url }: HubRequest) => server === 'hub' && url.includes('/resolve/');

describe('a HEAD request that is rejected', () => {
  beforeEach(() => serve());

  it.each<[string, Fault]>([
    ...[400, 403, 404, 405, 410, 500, 501, 503].map((status): [string, Fault] => [
      `with ${status}`,
      { kind: 'status', status },
    ]),
    ['by closing the connection', { kind: 'script', answer: (response) => response.destroy() }],
    ['by silence', { kind: 'script', answer: () => {} }],
    ['by a length of zero bytes', { kind: 'script', answer: (response) => response.writeHead(204).end() }],
    [
      'by a length of zero bytes and the right checksum',
      {
        kind: 'script',
        answer: (response) => response.writeHead(200, { etag: `"${SHA256}"`, 'content-length': 0 }).end(),
      },
    ],
  ])('is replaced by a GET request: %s', async (_what, fault) => {
    server.fault({ ...fault, match: isHead });
    const hub = open();
    expect(await hub.fileInfo(NAME, FILE, {})).toMatchObject({ size: CONTENT.length, checksum: { hex: SHA256 } });
    expect(await hub.fileInfo(NAME, FILE, {})).toMatchObject({ size: CONTENT.length });
  });

  it.each([400, 403, 405, 416, 501])(
    'is replaced by a GET request without a range if that is rejected: %d',
    async (status) => {
      server.fault({ kind: 'status', status, match: (request) => isHead(request) || request.range !== undefined });
      expect(await open().fileInfo(NAME, FILE, {})).toMatchObject({ size: CONTENT.length, checksum: { hex: SHA256 } });
      expect(server.requests.at(-1)).toMatchObject({ method: 'GET', range: undefined });
    },
  );

  it.each(['GatedRepo', 'EntryNotFound', 'RepoNotFound'])('counts if the hub gives the reason %s', async (code) => {
    server.fault({ kind: 'status', status: 403, headers: { 'x-error-code': code } });
    await expect(open().fileInfo(NAME, FILE, {})).rejects.toMatchObject({ details: { hubCode: code } });
    expect(server.requests).toHaveLength(1);
  });
});

describe('a hub that does not answer', () => {
  beforeEach(() => serve());

  const patient = () =>
    new Hub({
      endpoint: server.url,
      env: { HOME: '/nowhere' },
      limits: { ...QUICK_LIMITS, answerTimeoutMs: 400, stallTimeoutMs: 60_000 },
      log: new RecordedLog(),
    });
  const outcome = { code: 'HUB_UNREACHABLE', message: expect.stringContaining('did not answer within 0.4 seconds') };

  it.each<[string, (response: ServerResponse) => unknown]>([
    ['is silent', () => {}],
    ['sends a byte now and then', drip],
  ])('fails when its time is up: %s', async (_what, answer) => {
    server.fault({ kind: 'script', answer });
    await expect(patient().repoFiles(NAME, {})).rejects.toMatchObject(outcome);
    const query = { text: 'm', sort: 'downloads' as const, limit: 1, cursor: undefined };
    await expect(patient().search(query, {})).rejects.toMatchObject(outcome);
    if (answer !== drip) await expect(patient().fileInfo(NAME, FILE, {})).rejects.toMatchObject(outcome);
  });

  /** Sends a list that never ends, a byte at a time. */
  function drip(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' });
    const timer = setInterval(() => response.write(' '), 20);
    response.once('close', () => clearInterval(timer));
  }
});

describe('a file behind redirects', () => {
  beforeEach(() => serve());

  it('is described by the first redirect with metadata', async () => {
    server.fault({
      kind: 'redirect',
      to: '/second',
      headers: { 'x-linked-size': String(CONTENT.length) },
      match: isResolve,
    });
    server.fault({
      kind: 'redirect',
      to: `${server.cdnUrl}/third`,
      headers: { 'x-linked-etag': `"${SHA256}"`, 'x-linked-size': '7' },
      match: ({ url }) => url === '/second',
    });
    expect(await open().fileInfo(NAME, FILE, {})).toMatchObject({ size: CONTENT.length, checksum: { hex: SHA256 } });
    expect(server.requests.filter(isCdn)).toEqual([]);
  });

  it('is described by a redirect of another host, if the hub is a mirror that only redirects', async () => {
    server.fault({ kind: 'redirect', to: `${server.cdnUrl}/upstream`, match: isResolve });
    server.fault({
      kind: 'redirect',
      to: '/file',
      headers: { 'x-linked-etag': `"${SHA256}"`, 'x-linked-size': String(CONTENT.length) },
      match: ({ url }) => url === '/upstream',
    });
    expect(await open().fileInfo(NAME, FILE, {})).toMatchObject({ size: CONTENT.length, checksum: { hex: SHA256 } });
  });

  it('is found through a Location header in UTF-8', async () => {
    const remote = await open().fileInfo(NAME, FILE, {});
    // Node.js writes headers as Latin-1.
    const to = Buffer.from(`${server.cdnUrl}/größe/模型?x=ü`).toString('latin1');
    server.fault({ kind: 'redirect', to, match: isResolve });
    server.fault({
      kind: 'script',
      match: isCdn,
      answer: (response, request) => sendPart(response, CONTENT, requestedRange(request, CONTENT.length)),
    });
    await open().openRange(remote, { start: START, end: END }, {});
    expect(decodeURI(server.requests.at(-1)?.url ?? '')).toBe('/größe/模型?x=ü');
  });
});

describe('the response to a range request', () => {
  beforeEach(() => serve());

  /** Requests a range. Returns the received part, and how the response was interpreted. */
  async function read(answer: Extract<Fault, { kind: 'script' }>['answer'], range = { start: START, end: END }) {
    const hub = open();
    const remote = await hub.fileInfo(NAME, FILE, {});
    server.fault({ kind: 'script', answer, match: isCdn });
    const stream = await hub.openRange(remote, range, {});
    const bytes = Buffer.concat(await Array.fromAsync(stream.body, (chunk) => Buffer.from(chunk)));
    expect(bytes.equals(CONTENT.subarray(stream.start, stream.start + bytes.length))).toBe(true);
    const { start, isWholeFile, isStated } = stream;
    return { start, end: start + bytes.length, isWholeFile, isStated };
  }

  const whole = { start: 0, end: CONTENT.length };
  it.each<[string, { start: number; end: number }, Record<string, string | undefined>, boolean]>([
    ['as requested', { start: START, end: END }, {}, true],
    ['wider', { start: START - 5000, end: END + 3000 }, {}, true],
    ['to the end of the file', { start: START, end: CONTENT.length }, {}, true],
    ['from the start of the file', { start: 0, end: END }, {}, true],
    ['shorter', { start: START, end: END - 1000 }, {}, true],
    ['in chunks', { start: START, end: END }, { 'content-length': undefined }, true],
    [
      'without the size of the file',
      { start: START, end: END },
      { 'content-range': `bytes ${START}-${END - 1}/*` },
      true,
    ],
    [
      'in another spelling',
      { start: START, end: END },
      { 'content-range': `Bytes=${START}-${END - 1}/${CONTENT.length}` },
      true,
    ],
    ['without Content-Range, with its length', { start: START, end: END }, { 'content-range': undefined }, false],
    ['without Content-Range, to the end', { start: START, end: CONTENT.length }, { 'content-range': undefined }, false],
    ['as a part of everything', whole, {}, true],
  ])('is used: %s', async (_what, part, headers, isStated) => {
    const found = await read((response) => sendPart(response, CONTENT, part, headers));
    expect(found).toEqual({ ...part, isWholeFile: false, isStated });
  });

  it('is used as a part if it has the status 200', async () => {
    const part = { start: START, end: END };
    expect(await read((response) => sendPart(response, CONTENT, part, {}, 200))).toMatchObject(part);
  });

  it.each<[string, Record<string, string | undefined>]>([
    ['with its length', { 'content-range': undefined }],
    ['in chunks', { 'content-range': undefined, 'content-length': undefined }],
  ])('may be the whole file: %s', async (_what, headers) => {
    const found = await read((response) => sendPart(response, CONTENT, whole, headers, 200));
    expect(found).toEqual({ ...whole, isWholeFile: true, isStated: true });
  });

  it('may be the whole file, compressed', async () => {
    const found = await read((response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(CONTENT)),
    );
    expect(found).toMatchObject({ ...whole, isWholeFile: true });
  });

  it.each<[string, { start: number; end: number }, Record<string, string | undefined>]>([
    ['another range', { start: START + 1, end: END + 1 }, {}],
    ['a range before it', { start: 0, end: START }, {}],
    [
      'a length that contradicts the range',
      { start: START, end: END },
      { 'content-range': `bytes ${START}-${END}/${CONTENT.length}` },
    ],
    ['an end before the start', { start: START, end: END }, { 'content-range': `bytes ${END}-${START}/*` }],
    ['no range and no length', { start: START, end: END }, { 'content-range': undefined, 'content-length': undefined }],
    ['no range and a length that says nothing', { start: START, end: END - 7 }, { 'content-range': undefined }],
    ['several parts', { start: START, end: END }, { 'content-type': 'multipart/byteranges; boundary=x' }],
    ['a compressed part', { start: START, end: END }, { 'content-encoding': 'gzip' }],
    ['another unit', { start: START, end: END }, { 'content-range': 'lines 1-2/3', 'content-length': undefined }],
    [
      'a wrong size of the file that the ETag identifies',
      { start: START, end: END },
      { 'content-range': `bytes ${START}-${END - 1}/${CONTENT.length + 7}`, etag: `"${SHA256}"` },
    ],
  ])('is not used: %s', async (_what, part, headers) => {
    await expect(read((response) => sendPart(response, CONTENT, part, headers))).rejects.toBeInstanceOf(UnusableRange);
  });

  it.each([undefined, `bytes */${CONTENT.length}`])('may be that ranges are not possible: 416, %s', async (range) => {
    const headers = range === undefined ? {} : { 'content-range': range };
    await expect(read((response) => response.writeHead(416, headers).end())).rejects.toBeInstanceOf(UnusableRange);
  });

  it.each([202, 204, 400, 405, 501])('may be that ranges are not possible: %d', async (status) => {
    await expect(read((response) => response.writeHead(status).end())).rejects.toBeInstanceOf(UnusableRange);
  });

  it.each([
    [
      'the total',
      (size: number) => ({ status: 206, headers: { 'content-range': `bytes ${START}-${END - 1}/${size + 1}` } }),
    ],
    ['a 416', (size: number) => ({ status: 416, headers: { 'content-range': `bytes */${size + 1}` } })],
  ])('indicates by %s that the file has changed', async (_what, make) => {
    const { status, headers } = make(CONTENT.length);
    await expect(
      read((response) => sendPart(response, CONTENT, { start: START, end: END }, headers, status)),
    ).rejects.toMatchObject({ code: 'REMOTE_CHANGED' });
  });

  it('is replaced by the whole file when a header is read', async () => {
    const source = await open().byteSource(NAME, FILE, {});
    server.fault({
      kind: 'script',
      match: isCdn,
      answer: (response, { range }) =>
        range === undefined
          ? sendPart(response, CONTENT, whole, { 'content-range': undefined }, 200)
          : response.writeHead(416).end(),
    });
    expect(Buffer.from(await source.read(START, 50)).equals(CONTENT.subarray(START, START + 50))).toBe(true);
  });

  it('is continued when a header is read and the response is too short', async () => {
    const source = await open().byteSource(NAME, FILE, {});
    server.fault({
      kind: 'script',
      match: isCdn,
      answer: (response, request) => {
        const { start, end } = requestedRange(request, CONTENT.length);
        sendPart(response, CONTENT, { start, end: Math.min(end, start + 10_000) });
      },
    });
    expect(Buffer.from(await source.read(50, 30_000)).equals(CONTENT.subarray(50, 30_050))).toBe(true);
  });
});

describe('an access token that the hub refuses', () => {
  const hasToken = ({ authorization }: HubRequest) => authorization !== undefined;
  const refusal = {
    kind: 'status' as const,
    status: 401,
    headers: { 'x-error-message': 'Invalid credentials in Authorization header' },
  };
  let home: string;
  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'tabagent-token-'));
    writeFileSync(join(home, 'token'), 'hf_of-another-program');
    await serve();
    server.fault({ ...refusal, match: hasToken });
  });
  afterEach(() => rmSync(home, { recursive: true }));

  it.each<[string, () => Hub, () => string, RegExp]>([
    ['the variable', () => open({ HF_TOKEN: 'hf_expired-long-ago' }), () => 'HF_TOKEN', /HF_TOKEN/],
    ['our store', () => open({}, async () => 'hf_expired-long-ago'), () => 'SET_HF_TOKEN', /saved in TabAgent/],
    ["huggingface_hub's file", () => open({ HF_HOME: home }), () => join(home, 'token'), /huggingface_hub/],
  ])('does not prevent requests for public files, and is identified by its source: %s', async (_what, make, source) => {
    const hub = make();
    expect(await hub.fileInfo(NAME, FILE, {})).toMatchObject({ size: CONTENT.length });
    expect(await hub.repoFiles(NAME, {})).toHaveLength(1);
    expect(
      (await hub.search({ text: 'model', sort: 'downloads', limit: 5, cursor: undefined }, {})).repos,
    ).toHaveLength(1);
    expect(hub.rejectedToken).toMatchObject({
      source: source(),
      reason: expect.stringContaining('Invalid credentials'),
    });
    // It was sent once.
    expect(server.requests.filter(hasToken)).toHaveLength(1);
  });

  it('is mentioned, but not shown, in errors about files that require one', async () => {
    await server.close();
    await serve({ repos: { [REPO]: { files: { [FILE]: CONTENT }, gated: true } } });
    server.fault({ ...refusal, match: hasToken });
    const failure = open({ HF_TOKEN: 'hf_expired-long-ago' }).fileInfo(NAME, FILE, {});
    await expect(failure).rejects.toMatchObject({
      code: 'GATED_REPO',
      message: expect.stringMatching(/^(?!.*expired-long).*HF_TOKEN was rejected.*unset/s),
      details: { tokenSource: 'HF_TOKEN' },
    });
  });

  it('is sent again to a repository that requires one, and used if it is accepted', async () => {
    const hub = open({ HF_TOKEN: 'good' });
    await hub.fileInfo(NAME, FILE, {});
    expect(hub.rejectedToken).toBeDefined();
    server.clearFaults();
    server.fault({ kind: 'status', status: 401, match: (request) => !hasToken(request) });
    await hub.fileInfo(NAME, FILE, {});
    expect(hub.rejectedToken).toBeUndefined();
  });

  it('is not considered refused by a server that only rejects tokens with signatures', async () => {
    server.clearFaults();
    server.fault({ kind: 'redirect', to: '/signed', match: isResolve });
    server.fault({ kind: 'status', status: 400, match: (request) => request.url === '/signed' && hasToken(request) });
    server.fault({
      kind: 'script',
      match: ({ url }) => url === '/signed',
      answer: (response) => response.writeHead(200, { 'content-length': CONTENT.length, etag: `"${SHA256}"` }).end(),
    });
    const hub = open({ HF_TOKEN: 'good' });
    expect(await hub.fileInfo(NAME, FILE, {})).toMatchObject({ size: CONTENT.length });
    expect(hub.rejectedToken).toBeUndefined();
  });

  it('is not considered refused if the hub recognizes it and denies access', async () => {
    server.clearFaults();
    server.fault({ kind: 'status', status: 403, headers: { 'x-error-code': 'GatedRepo' } });
    const hub = open({ HF_TOKEN: 'good' });
    await expect(hub.fileInfo(NAME, FILE, {})).rejects.toMatchObject({ code: 'GATED_REPO' });
    expect(hub.rejectedToken).toBeUndefined();
    expect(server.requests).toHaveLength(1);
  });

  it('may be in a file with other contents', async () => {
    writeFileSync(join(home, 'token'), 'not a token');
    const hub = open({ HF_HOME: home });
    expect(await hub.fileInfo(NAME, FILE, {})).toMatchObject({ size: CONTENT.length });
    expect(hub.rejectedToken).toMatchObject({ source: join(home, 'token') });
  });
});

describe('a paginated listing', () => {
  const isTree = ({ url }: HubRequest) => url.includes('/tree/');
  const entry = (path: string, oid = SHA256) => ({ type: 'file', path, size: 7, lfs: { oid, size: CONTENT.length } });
  beforeEach(async () => {
    await serve();
    server.fault({
      kind: 'status',
      status: 404,
      match: ({ url }) => url.startsWith('/api/') && url.includes('blobs='),
    });
  });

  /** Serves a tree of `pages`, whose links have the form that `link` gives them. */
  function servePages(pages: readonly string[][], link: (query: string) => string): void {
    server.fault({
      kind: 'script',
      match: isTree,
      answer: (response, { url }) => {
        const page = Number(new URL(url, server.url).searchParams.get('page') ?? 0);
        const headers = page + 1 < pages.length ? { link: link(`recursive=true&page=${page + 1}`) } : {};
        response.writeHead(200, headers).end(JSON.stringify((pages[page] ?? []).map((path) => entry(path))));
      },
    });
  }

  it.each<[string, (query: string) => string]>([
    ['with whole URLs', (query) => `<${server.url}/api/models/${REPO}/tree/main?${query}>; rel="next"`],
    ['with relative ones', (query) => `<?${query}>;rel=next`],
    ['among others', (query) => `</first>; rel="first", </x?${query}>; title="a"; rel="last next"`],
    [
      'of the hub that is mirrored',
      (query) => `<https://hub.example/api/models/${REPO}/tree/main?${query}>; rel="next"`,
    ],
  ])('is read completely: %s', async (_what, link) => {
    servePages([['a.gguf'], ['b.gguf', 'c.gguf'], ['d.gguf']], link);
    expect((await open().repoFiles(NAME, {})).map(({ file }) => file)).toEqual([
      'a.gguf',
      'b.gguf',
      'c.gguf',
      'd.gguf',
    ]);
  });

  it('is read until the file without a checksum is found', async () => {
    server.fault({ kind: 'tag', announced: '"v1"', match: isResolve });
    servePages([['a.gguf'], [FILE], ['z.gguf']], (query) => `<?${query}>; rel="next"`);
    expect(await open().fileInfo(NAME, FILE, {})).toMatchObject({ checksum: { hex: SHA256 } });
    expect(server.requests.filter(isTree)).toHaveLength(2);
  });

  it.each([
    ['without end', (query: string) => `<?${query}&x=${server.requests.length}>; rel="next"`, 'HUB_ERROR'],
    ['that fails in the middle', () => '<?page=x>; rel="next"', 'HUB_ERROR'],
  ])('is not considered complete: %s', async (_what, link, code) => {
    server.fault({ kind: 'status', status: 400, match: ({ url }) => url.includes('page=x') });
    servePages(Array(200).fill(['a.gguf']), link);
    await expect(open().repoFiles(NAME, {})).rejects.toMatchObject({ code });
  });

  it('ends at a page that links to itself', async () => {
    servePages([['a.gguf'], []], () => '<?recursive=true>; rel="next"');
    expect(await open().repoFiles(NAME, {})).toHaveLength(1);
  });
});
