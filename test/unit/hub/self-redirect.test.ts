import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Hub } from '../../../host/hub/hub.ts';
import { readModelName } from '../../../host/protocol/model-name.ts';
import { QUICK_LIMITS, seededBytes } from '../../support/cache/cache-fixture.ts';
import { RecordedLog } from '../../support/recorded-log.ts';

const CONTENT = seededBytes(5000, 8);
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const NAME = readModelName({ modelId: 'old/name/a.gguf' });

/** A mirror on one host: a renamed repository, and files at other, signed URLs with their own ETags. */
describe('a hub that redirects to itself', () => {
  let server: Server;
  let signature: number;
  let expiresAtOnce: boolean;
  let seen: string[];
  beforeEach(async () => {
    signature = 1;
    expiresAtOnce = false;
    seen = [];
    server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://mirror');
      seen.push(`${request.method} ${pathname}`);
      if (pathname.startsWith('/old/name/')) {
        response.writeHead(307, { location: pathname.replace('/old/name/', '/new/name/') }).end();
      } else if (pathname.startsWith('/new/name/')) {
        const metadata = { 'x-linked-etag': `"${SHA256}"`, 'x-linked-size': String(CONTENT.length) };
        response.writeHead(302, { ...metadata, location: `/blobs/1?sig=${signature}` }).end();
        if (expiresAtOnce) signature += 1;
        expiresAtOnce = false;
      } else if (searchParams.get('sig') !== String(signature)) {
        response.writeHead(403, { 'content-type': 'application/xml' }).end('<Expired/>');
      } else {
        const [, from = '0', to = '0'] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
        const range = `bytes ${from}-${to}/${CONTENT.length}`;
        response
          .writeHead(206, { etag: '"own-tag"', 'content-range': range })
          .end(CONTENT.subarray(Number(from), Number(to) + 1));
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });

  const open = () => {
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return new Hub({ endpoint, env: { HOME: '/nowhere' }, limits: QUICK_LIMITS, log: new RecordedLog() });
  };

  it('takes metadata from the redirect, without requesting the file', async () => {
    expect(await open().fileInfo(NAME, NAME.file, {})).toMatchObject({
      size: CONTENT.length,
      checksum: { algorithm: 'sha256', hex: SHA256 },
    });
    expect(seen.some((request) => request.includes('/blobs/'))).toBe(false);
  });

  it('returns the bytes, and requests a new signed URL when the old one has expired', async () => {
    const hub = open();
    const remote = await hub.fileInfo(NAME, NAME.file, {});
    const read = async () =>
      Buffer.concat(await Array.fromAsync((await hub.openRange(remote, { start: 10, end: 30 }, {})).body));
    expect(await read()).toEqual(CONTENT.subarray(10, 30));
    expiresAtOnce = true;
    await expect(read()).rejects.toMatchObject({ code: 'HUB_ERROR', transient: true });
    expect(await read()).toEqual(CONTENT.subarray(10, 30));
  });
});
