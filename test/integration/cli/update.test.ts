import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { VERSION } from '../../../host/common/version.ts';
import { runCommand } from '../../support/cli/run-command.ts';

describe('tabagent update', () => {
  let home: string;
  let server: Server;
  let answer: { status: number; body: string };
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'tabagent-update-'));
    server = createServer((_request, response) => response.writeHead(answer.status).end(answer.body));
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  afterAll(() => {
    server.close();
    rmSync(home, { recursive: true });
  });

  const update = (...typed: string[]) => runCommand(['update', ...typed], { home });

  it('reports that no address is configured', async () => {
    expect(await update()).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('"releaseUrl"') });
  });

  it.each([
    ['v99.0.0', true],
    ['99.0.0', true],
    [`v${VERSION}`, false],
    ['0.0.1', false],
  ])('compares this version with %s', async (tag_name, newer) => {
    const { port } = server.address() as AddressInfo;
    writeFileSync(join(home, 'config.json'), JSON.stringify({ releaseUrl: `http://127.0.0.1:${port}/latest` }), {
      mode: 0o600,
    });
    answer = { status: 200, body: JSON.stringify({ tag_name, html_url: 'https://example.org/release' }) };
    expect(JSON.parse((await update('--json')).stdout)).toMatchObject({ version: VERSION, newer });
    const words = newer ? 'Version 99.0.0 is available' : 'the newest release';
    expect((await update()).stdout).toContain(words);
  });

  it.each([
    [404, '{}'],
    [200, '{"tag_name": "latest"}'],
    [200, '<html>'],
  ])('reports a response with status %i and the body %s', async (status, body) => {
    answer = { status, body };
    expect(await update()).toMatchObject({ code: 4, stdout: '', stderr: expect.stringContaining('HUB_ERROR') });
  });
});
