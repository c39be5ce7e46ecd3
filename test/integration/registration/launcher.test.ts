import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { assertSafeFolder, assertSafeToStart } from '../../../host/common/safe-folder.ts';
import { launcherText } from '../../../host/registration/launcher.ts';

const run = promisify(execFile);

describe('the launcher that browsers start', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tabagent-launcher-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** Starts the launcher for a program in a folder with this name; the program prints how it was started. */
  async function start(name: string, args: string[]) {
    const main = join(folder, name, 'main.cjs');
    const node = join(folder, name, 'node');
    const launcher = join(folder, name, 'tabagent-host');
    await mkdir(join(folder, name), { recursive: true });
    await symlink(process.execPath, node);
    await writeFile(main, 'console.log(JSON.stringify({ main: __filename, args: process.argv.slice(2)}))');
    await writeFile(launcher, launcherText('linux', [node, main]), { mode: 0o755 });
    const { stdout } = await run(launcher, args, { env: {} });
    return { said: JSON.parse(stdout), main };
  }

  const ODD = [
    'a b',
    "it's",
    'say "hi"',
    '$HOME `id` $(id)',
    'back\\slash',
    'new\nline',
    'ünïcode ✓',
    '-n',
    '*?[a]',
    "'",
  ];

  it.each(ODD)('starts a program in a folder named %j', async (name) => {
    const { said, main } = await start(name, []);
    expect(said.main).toBe(main);
  });

  it('passes on the browser’s arguments unchanged', async () => {
    const args = ['chrome-extension://abc/', '--parent-window=0', ...ODD, ''];
    expect((await start('plain', args)).said.args).toEqual(args);
  });
});

describe('a program that may be started', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tabagent-safe-'));
    await mkdir(join(folder, 'open'));
    await writeFile(join(folder, 'open', 'program'), '');
    await writeFile(join(folder, 'program'), '');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('is checked after resolving links', async () => {
    await chmod(join(folder, 'open'), 0o777);
    await symlink(join(folder, 'open', 'program'), join(folder, 'link'));
    await expect(assertSafeToStart(join(folder, 'program'))).resolves.toBeUndefined();
    await expect(assertSafeToStart(join(folder, 'link'))).rejects.toMatchObject({ code: 'UNSAFE_FOLDER' });
  });

  it('must be owned by root or the installing user if all users start it', async () => {
    const me = process.getuid?.() ?? 0;
    await expect(assertSafeToStart(join(folder, 'program'), { owners: [0, me] })).resolves.toBeUndefined();
    await expect(assertSafeToStart(join(folder, 'program'), { owners: [me + 1] })).rejects.toMatchObject({
      code: 'UNSAFE_FOLDER',
      details: { uid: me },
    });
  });

  it('may be in a folder that does not exist yet, if no other user can create it', async () => {
    await expect(assertSafeFolder(join(folder, 'a', 'b'))).resolves.toBeUndefined();
    await chmod(join(folder, 'open'), 0o777);
    await expect(assertSafeFolder(join(folder, 'open', 'a', 'b'))).rejects.toMatchObject({ code: 'UNSAFE_FOLDER' });
  });
});
