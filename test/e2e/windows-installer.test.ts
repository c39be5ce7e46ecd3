import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sha256 } from '../../installers/package/checksums.ts';
import { entriesOf } from '../../installers/package/entry.ts';
import { describeIfInstalled } from '../support/describe-unless.ts';
import { ROOT, VERSION } from './support/packaged-host.ts';

/** CI's registry may lack llama.cpp for Windows. The rest of the installer is the same without it. */
const NAME = `tabagent-host-${VERSION}-win-x64`;

describeIfInstalled('the Windows installer', ['makensis'], () => {
  describeIfInstalled('opened with 7z', ['7z'], (sevenZip) => {
    let out: string;
    let name: string;
    beforeAll(async () => {
      out = await mkdtemp(join(tmpdir(), 'tabagent-windows-'));
      const args = [
        'installers/package/main.ts',
        '--target',
        'win-x64',
        '--allow-missing',
        '--installers',
        '--out',
        out,
      ];
      execFileSync(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
      name = (await readdir(out)).includes(NAME) ? NAME : `${NAME}-incomplete`;
      execFileSync(sevenZip, ['x', '-y', `-o${out}/opened`, `${out}/${name}-setup.exe`], { stdio: 'ignore' });
    }, 600_000);
    afterAll(() => rm(out, { recursive: true, force: true }));

    it('contains every file of the packaged host and an uninstaller', async () => {
      for (const entry of entriesOf(join(out, name))) {
        if (entry.folder) continue;
        const inside = join(out, 'opened', entry.name.slice(name.length + 1));
        expect(await sha256(inside)).toBe(await sha256(join(out, entry.name)));
      }
      expect(await readdir(join(out, 'opened'))).toContain('uninstall.exe');
    });

    it('removes only listed files, and no folder recursively', async () => {
      const script = await readFile(join(ROOT, 'installers/windows/installer.nsi'), 'utf8');
      expect(script).not.toContain('RMDir /r');
      const list = (await readFile(join(out, name, 'FILES.txt'), 'utf8')).trim().split('\n');
      const inside = entriesOf(join(out, name))
        .slice(1)
        .map((entry) => entry.name.slice(name.length + 1) + (entry.folder ? '/' : ''));
      expect(list.toSorted()).toEqual(inside.toSorted());
      // Inner folders come first, because only empty folders can be removed.
      const folders = list.filter((path) => path.endsWith('/'));
      for (const [at, folder] of folders.entries()) {
        expect(folders.slice(at + 1).filter((later) => later.startsWith(folder))).toEqual([]);
      }
      // The installer reads them as ASCII.
      for (const path of list) expect(path).toMatch(/^[\x20-\x7e]+$/);
    });

    it('is accompanied by an archive that other programs can read', async () => {
      const list = execFileSync(sevenZip, ['t', `${out}/${name}.zip`], { encoding: 'utf8' });
      expect(list).toContain('Everything is Ok');
      const files = entriesOf(join(out, name)).filter(({ folder }) => !folder).length;
      expect(list).toContain(`Files: ${files}`);
    });

    it("installs a program without Node's signature", async () => {
      const program = await readFile(join(out, name, 'tabagent-host.exe'));
      const optional = program.readUInt32LE(0x3c) + 24;
      expect(program.readUInt32LE(optional + 112 + 4 * 8 + 4)).toBe(0);
      expect(program.includes('NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:1')).toBe(true);
    });
  });
});
