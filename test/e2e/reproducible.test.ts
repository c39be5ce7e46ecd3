import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sha256 } from '../../installers/package/checksums.ts';
import { DEB, OUT, ROOT } from './support/packaged-host.ts';

describe('a package', () => {
  let again: string;
  beforeEach(async () => {
    again = await mkdtemp(join(tmpdir(), 'tabagent-package-again-'));
  });
  afterEach(() => rm(again, { recursive: true }));

  it('has the same bytes if it is built again in another folder', async () => {
    const args = ['installers/package/main.ts', '--out', again, ...(existsSync(DEB) ? ['--installers'] : [])];
    const env = { ...process.env, TZ: 'Asia/Kolkata', LC_ALL: 'C' };
    execFileSync(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'inherit'] });
    const files = (await readdir(again)).filter((name) => /\.(tar\.xz|zip|deb)$/.test(name));
    expect(files.length).toBeGreaterThan(0);
    for (const file of files)
      expect([file, await sha256(join(again, file))]).toEqual([file, await sha256(join(OUT, file))]);
  }, 600_000);
});
