import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { HostLimits } from '../../../host/config.ts';
import type { DownloadStatus } from '../../../host/model-files/types.ts';
import { CacheFixture, FILE, NAME, REPO, seededBytes } from '../../support/cache/cache-fixture.ts';
import type { HubOptions, HubRequest } from '../../support/hub/hub.ts';
import { requestedRange, sendPart } from '../../support/hub/scripts.ts';

const CONTENT = seededBytes(2_000_000, 42);
const WHOLE = { start: 0, end: CONTENT.length };

let fixture: CacheFixture;
afterEach(() => fixture.close());

async function open(limits: Partial<HostLimits> = {}, hub: Partial<HubOptions> = {}): Promise<void> {
  fixture = await CacheFixture.open(CONTENT, { limits, hub });
}

/** Downloads the model, and expects its bytes on the disk. */
async function download(): Promise<DownloadStatus[]> {
  const seen: DownloadStatus[] = [];
  await fixture.cache.download(NAME, { onProgress: (status) => seen.push(status) });
  expect(readFileSync(join(fixture.config.paths.models, REPO, FILE)).equals(CONTENT)).toBe(true);
  return seen;
}

const isCdn = ({ server, method }: HubRequest) => server === 'cdn' && method === 'GET';
type Answer = (response: ServerResponse, request: HubRequest) => unknown;
const answerWith = (answer: Answer) => fixture.hub.fault({ kind: 'script', match: isCdn, answer });
const sendWhole = (response: ServerResponse) => sendPart(response, CONTENT, WHOLE, { 'content-range': undefined }, 200);

describe('a download from a server with incorrect range responses', () => {
  it.each<[string, (range: { start: number; end: number }) => { start: number; end: number }]>([
    ['aligned to blocks', ({ start, end }) => ({ start: start - (start % 100_000), end })],
    ['to the end of the file', ({ start }) => ({ start, end: CONTENT.length })],
    ['short', ({ start, end }) => ({ start, end: Math.min(end, start + 5000) })],
    ['everything', () => WHOLE],
  ])('uses a response that contains the requested bytes: %s', async (_what, change) => {
    await open();
    answerWith((response, request) => sendPart(response, CONTENT, change(requestedRange(request, CONTENT.length))));
    await download();
  });

  it.each<[string, Answer]>([
    [
      'another range',
      (response, request) => sendPart(response, CONTENT, { start: 7, end: requestedRange(request, 9e9).end }),
    ],
    [
      'neither range nor length',
      (response, request) => {
        const headers = { 'content-range': undefined, 'content-length': undefined };
        sendPart(response, CONTENT, requestedRange(request, CONTENT.length), headers);
      },
    ],
    ['416', (response) => response.writeHead(416, { 'content-range': `bytes */${CONTENT.length}` }).end()],
    ...[204, 400, 405, 501].map((status): [string, Answer] => [
      String(status),
      (response) => response.writeHead(status).end(),
    ]),
    ['the whole file', sendWhole],
    [
      'compressed parts',
      (response, request) => {
        const { start, end } = requestedRange(request, CONTENT.length);
        const body = gzipSync(CONTENT.subarray(start, end));
        response.writeHead(206, { 'content-encoding': 'gzip', 'content-length': body.length }).end(body);
      },
    ],
  ])('downloads the file in one stream if ranges cannot be used: %s', async (_what, answer) => {
    await open();
    answerWith((response, request) => (request.range === undefined ? sendWhole(response) : answer(response, request)));
    await download();
    expect(fixture.hub.requests.at(-1)).toMatchObject({ server: 'cdn', range: undefined });
  });

  it('downloads a compressed stream', async () => {
    await open();
    answerWith((response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(CONTENT)));
    await download();
  });

  it('downloads everything again in one stream if responses without Content-Range had the wrong bytes', async () => {
    await open();
    answerWith((response, request) => {
      if (request.range === undefined) return sendWhole(response);
      const { start, end } = requestedRange(request, CONTENT.length);
      const headers = { 'content-range': undefined };
      return sendPart(response, CONTENT, { start: 0, end: end - start }, headers);
    });
    await download();
  });

  it('compares a stream with the data on the disk, and continues after it', async () => {
    await open({ maxAttempts: 1 });
    const cutAt = 1_000_000;
    let isWell = false;
    answerWith((response) => {
      response.writeHead(200, { 'content-length': CONTENT.length });
      if (isWell) return response.end(CONTENT);
      return response.write(CONTENT.subarray(0, cutAt), () => response.destroy());
    });
    await expect(fixture.cache.download(NAME)).rejects.toMatchObject({ code: 'HUB_UNREACHABLE' });
    await fixture.reopen();
    isWell = true;
    const seen = await download();
    expect(Math.min(...seen.slice(3).map(({ downloaded }) => downloaded))).toBeGreaterThan(0);
  });

  it('replaces data on the disk that differs from the stream', async () => {
    await open({ maxAttempts: 1, connections: 1, connectionsAtFirst: 1 });
    const other = seededBytes(CONTENT.length, 43);
    let requests = 0;
    // The first range is of another file.
    answerWith((response, request) => {
      requests += 1;
      if (request.range === undefined) return sendWhole(response);
      return requests === 1 ? sendPart(response, other, requestedRange(request, CONTENT.length)) : sendWhole(response);
    });
    await download();
  });
});

describe('a download from a server that allows few connections', () => {
  /** Accepts `limit` concurrent requests, and responds to others with `refuse`. */
  function limited(limit: number, refuse: Answer, match: (request: HubRequest) => boolean, accept: Answer): void {
    let live = 0;
    fixture.hub.fault({
      kind: 'script',
      match,
      answer: (response, request) => {
        if (live >= limit) return refuse(response, request);
        live += 1;
        response.once('close', () => {
          live -= 1;
        });
        return accept(response, request);
      },
    });
  }

  const refusals: [string, Answer][] = [
    ...[403, 429, 503].map((status): [string, Answer] => [
      String(status),
      (response) => response.writeHead(status, { 'content-type': 'text/plain' }).end('too many connections'),
    ]),
    ['a closed connection', (response) => response.destroy()],
  ];
  const cases = refusals.flatMap(([what, refuse]) => [1, 2, 3].map((limit) => [what, limit, refuse] as const));

  it.each(cases)('does not exceed the limit of the content server: %s beyond %d', async (_what, limit, refuse) => {
    await open({ connections: 8, connectionsAtFirst: 8 });
    limited(limit, refuse, isCdn, (response, request) =>
      setImmediate(() => sendPart(response, CONTENT, requestedRange(request, CONTENT.length))),
    );
    await download();
  });

  it.each(refusals)('does not exceed the limit of the hub: %s', async (_what, refuse) => {
    await open({ connections: 8, connectionsAtFirst: 8 }, { noRedirect: true });
    const isFile = ({ method, url }: HubRequest) => method === 'GET' && url.includes('/resolve/');
    limited(2, refuse, isFile, (response, request) =>
      setImmediate(() => sendPart(response, CONTENT, requestedRange(request, CONTENT.length))),
    );
    await download();
  });

  it('fails if all connections are refused', async () => {
    await open({ connections: 8, connectionsAtFirst: 8, maxAttempts: 2 }, { noRedirect: true });
    fixture.hub.fault({
      kind: 'status',
      status: 403,
      match: ({ method, url }) => method === 'GET' && url.includes('/resolve/'),
    });
    await expect(fixture.cache.download(NAME)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  });
});

describe('a download that has to wait', () => {
  it.each([
    ['before it begins', ({ method }: HubRequest) => method === 'HEAD'],
    ['in its middle', isCdn],
  ])('waits as long as the hub requires, and reports it: %s', async (_when, match) => {
    await open({ maxAttempts: 1 });
    fixture.hub.fault({ kind: 'status', status: 429, headers: { ratelimit: '"resolvers";r=0;t=1' }, match, times: 12 });
    const seen = await download();
    const waits = seen.flatMap(({ activity }) => (activity?.next?.action === 'wait' ? [activity.next] : []));
    expect(waits[0]).toMatchObject({ code: 'RATE_LIMITED' });
    expect(seen.at(-1)).not.toHaveProperty('activity');
  });
});
