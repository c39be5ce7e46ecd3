import { spawnSync } from 'node:child_process';
import { chmod, chown, lchown, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HostFixture } from '../../support/host/host-fixture.ts';
import { HOST_MAIN } from '../../support/host/host-process.ts';

const isRoot = process.getuid?.() === 0;
const OTHER_USER = 12_345;
const asRoot = isRoot ? it : it.skip;
const onPosix = process.platform === 'win32' ? describe.skip : describe;

onPosix('the data folder', () => {
  let fixture: HostFixture;
  let home: string;
  beforeEach(async () => {
    fixture = await HostFixture.open();
    home = join(fixture.home, 'data');
  });
  afterEach(() => fixture.close());

  const settings = { params: { temperature: 0.5 } };
  const env = () => ({ TABAGENT_HOME: home, TABAGENT_KEYCHAIN: 'off' });

  /** Everything is refused, and nothing is written. */
  async function expectRefused(path: string, words: RegExp): Promise<void> {
    const before = await readdir(home, { recursive: true }).catch(() => []);
    const host = fixture.host({ env: env() });
    for (const [action, fields] of [
      ['PING', {}],
      ['SET_PARAMS', settings],
      ['GET_DOWNLOADED_MODELS', {}],
    ] as const) {
      expect(await host.request(action, fields)).toMatchObject({
        status: 'error',
        code: 'UNSAFE_FOLDER',
        message: expect.stringMatching(words),
        details: { path },
      });
    }
    await host.close();
    expect(await readdir(home, { recursive: true }).catch(() => [])).toEqual(before);
  }

  async function expectUsed(): Promise<void> {
    const host = fixture.host({ env: env() });
    expect(await host.request('SET_PARAMS', settings)).toMatchObject({ status: 'success' });
    await host.close();
  }

  it('is created readable only by the user, and reused', async () => {
    await expectUsed();
    await expectUsed();
  });

  it('is rejected if all users can write to it, with the command that fixes it', async () => {
    await mkdir(home);
    await chmod(home, 0o777);
    await expectRefused(home, /chmod go-w/);
    const doctor = spawnSync(process.execPath, [HOST_MAIN, 'doctor', '--json'], {
      env: { ...process.env, ...env(), HOME: fixture.home, HF_HUB_OFFLINE: '1' },
      encoding: 'utf8',
    });
    expect(JSON.parse(doctor.stdout).findings).toContainEqual(
      expect.objectContaining({ check: 'data folder', status: 'failed' }),
    );
    await chmod(home, 0o755);
    await expectUsed();
  });

  it('is accepted in a folder that all users can write to only if that folder is sticky', async () => {
    const parent = join(fixture.home, 'public');
    await mkdir(parent);
    home = join(parent, 'data');
    await chmod(parent, 0o777);
    await expectRefused(parent, /chmod o-w/);
    await chmod(parent, 0o1777);
    await expectUsed();
  });

  it.each(['secrets.json', 'tabagent.sqlite', 'conversations.sqlite-wal', 'logs/host.log', 'cache-place.json'])(
    'with a %s that everybody can write to is refused',
    async (name) => {
      const path = join(home, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, '{}');
      await chmod(path, 0o666);
      await expectRefused(path, /chmod go-w/);
    },
  );

  it.each(['logs', 'locks', 'pins', 'hosts', 'models', 'partial'])(
    'with a folder "%s" that everybody can write to is refused',
    async (name) => {
      const path = join(home, name);
      await mkdir(path, { recursive: true });
      await chmod(path, 0o777);
      await expectRefused(path, /chmod go-w/);
    },
  );

  it('is not written to if it is rejected, even when an extension is rejected', async () => {
    await mkdir(home);
    await chmod(home, 0o777);
    const host = fixture.host({ env: env(), args: ['chrome-extension://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/'] });
    expect(await host.request('PING')).toMatchObject({ code: 'UNSAFE_FOLDER' });
    await host.exited;
    expect(await readdir(home)).toEqual([]);
  });

  asRoot('of another user is refused, as is one with a file or a link of another user', async () => {
    await mkdir(home);
    await chown(home, OTHER_USER, OTHER_USER);
    await expectRefused(home, /TABAGENT_HOME/);
    await chown(home, 0, 0);
    const precious = join(fixture.home, 'precious');
    await writeFile(precious, 'precious');
    await mkdir(join(home, 'logs'));
    for (const path of [join(home, 'secrets.json'), join(home, 'logs', 'host.log')]) {
      await symlink(precious, path);
      await lchown(path, OTHER_USER, OTHER_USER);
      await expectRefused(path, /Delete it/);
      await rm(path);
    }
    expect(await readFile(precious, 'utf8')).toBe('precious');
    await expectUsed();
  });
});
