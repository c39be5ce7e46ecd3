import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sha256, writeChecksums } from '../../../installers/package/checksums.ts';
import { entriesOf } from '../../../installers/package/entry.ts';
import { tar } from '../../../installers/package/tar.ts';
import { zip } from '../../../installers/package/zip.ts';

/** Longer than one name field of a tar header, shorter than both. */
const LONG = `${'folder-with-a-long-name/'.repeat(5)}file.txt`;

describe('archives of a package', () => {
  let work: string;
  let folder: string;
  beforeEach(async () => {
    work = await mkdtemp(join(tmpdir(), 'tabagent-archives-'));
    folder = join(work, 'host');
    await mkdir(join(folder, LONG, '..'), { recursive: true });
    await writeFile(join(folder, 'tabagent-host'), 'program', { mode: 0o600 });
    await writeFile(join(folder, 'b.txt'), 'b'.repeat(100_000));
    await writeFile(join(folder, LONG), '');
  });
  afterEach(() => rm(work, { recursive: true }));

  const tarred = () => Buffer.concat([...tar(entriesOf(folder), { time: 946_684_800 })]);
  const zipped = () => Buffer.concat([...zip(entriesOf(folder))]);

  it('have the same bytes whatever the time and owner of the files', async () => {
    const before = [tarred(), zipped()];
    await utimes(join(folder, 'b.txt'), 1, 2);
    await rm(join(folder, 'tabagent-host'));
    await writeFile(join(folder, 'tabagent-host'), 'program', { mode: 0o640 });
    expect([tarred(), zipped()]).toEqual(before);
  });

  it('in tar format contain every file, long names and executable bits', async () => {
    const file = join(work, 'host.tar');
    await writeFile(file, tarred());
    const list = execFileSync('tar', ['-tvf', file], { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } });
    expect(list).toMatch(/^drwxr-xr-x root\/root +0 2000-01-01 00:00 host\/$/m);
    expect(list).toMatch(/^-rwxr-xr-x root\/root +7 2000-01-01 00:00 host\/tabagent-host$/m);
    expect(list).toMatch(/^-rw-r--r-- root\/root +100000 2000-01-01 00:00 host\/b\.txt$/m);

    const there = join(work, 'there');
    await mkdir(there);
    execFileSync('tar', ['-xf', file, '-C', there]);
    expect(await readFile(join(there, 'host', 'b.txt'), 'utf8')).toBe('b'.repeat(100_000));
    expect(await readFile(join(there, 'host', LONG), 'utf8')).toBe('');
  });

  it('in tar format reject a name that is too long', () => {
    const entry = { name: 'x'.repeat(200), folder: false, executable: false, read: () => Buffer.alloc(0) };
    expect(() => [...tar([entry], { time: 0 })]).toThrow('too long for a tar archive');
  });

  it('in zip format contain every file, compressed, as their directory states', () => {
    const archive = zipped();
    const end = archive.subarray(-22);
    expect(end.readUInt32LE(0)).toBe(0x06054b50);
    expect(end.readUInt16LE(10)).toBe(entriesOf(folder).length);
    const directory = archive.subarray(end.readUInt32LE(16));
    expect(end.readUInt32LE(12)).toBe(directory.length - 22);
    expect(directory.readUInt32LE(0)).toBe(0x02014b50);
    expect(archive.length).toBeLessThan(5_000);
    expect(archive.includes(`host/${LONG}`)).toBe(true);
  });

  it('are listed with their checksums, and nothing else', async () => {
    await writeFile(join(work, 'host.zip'), 'zip');
    await writeFile(join(work, 'a.tar.xz'), 'xz');
    await writeFile(join(work, 'notes.md'), '');
    await writeChecksums(work);
    expect(await readFile(join(work, 'SHA256SUMS'), 'utf8')).toBe(
      `${await sha256(join(work, 'a.tar.xz'))}  a.tar.xz\n${await sha256(join(work, 'host.zip'))}  host.zip\n`,
    );
    execFileSync('sha256sum', ['--check', '--status', 'SHA256SUMS'], { cwd: work });
  });
});
