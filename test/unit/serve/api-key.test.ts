import { chmod, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { openApiKey, replaceApiKey } from '../../../host/serve/api-key.ts';
import { describeOnPosix } from '../../support/describe-on-posix.ts';

describeOnPosix('the API key', () => {
  let home: string;
  const paths = () => ({ serveKey: join(home, 'serve-key'), locks: join(home, 'locks') });
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'tabagent-key-'));
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  it('is created once, even by concurrent callers, in a file that only the user can read', async () => {
    const keys = await Promise.all([openApiKey(paths()), openApiKey(paths()), openApiKey(paths())]);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^tabagent-[A-Za-z0-9_-]{43}$/);
    expect((await stat(paths().serveKey)).mode & 0o777).toBe(0o600);
    expect(await openApiKey(paths())).toBe(keys[0]);
  });

  it('can be replaced', async () => {
    const before = await openApiKey(paths());
    const after = await replaceApiKey(paths());
    expect(after).not.toBe(before);
    expect(await openApiKey(paths())).toBe(after);
  });

  it('is not read from a file that others can read, a link, or a file with other contents', async () => {
    const key = await openApiKey(paths());
    const { serveKey } = paths();
    await chmod(serveKey, 0o640);
    await expect(openApiKey(paths())).rejects.toMatchObject({ code: 'CONFIG_UNUSABLE' });
    const text = await readFile(serveKey, 'utf8');
    for (const wrong of ['', 'short', `${text}${text}`, 'x'.repeat(10_000)]) {
      await rm(serveKey);
      await writeFile(serveKey, wrong, { mode: 0o600 });
      await expect(openApiKey(paths())).rejects.toMatchObject({ code: 'CONFIG_UNUSABLE' });
    }
    await rm(serveKey);
    await writeFile(join(home, 'elsewhere'), text, { mode: 0o600 });
    await symlink(join(home, 'elsewhere'), serveKey);
    const error = await openApiKey(paths()).catch((caught: Error) => caught);
    expect(error).toMatchObject({ code: 'CONFIG_UNUSABLE' });
    expect(String(error)).not.toContain(key);
    expect(await replaceApiKey(paths())).not.toBe(key);
  });
});
