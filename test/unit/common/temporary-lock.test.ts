import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { withTemporaryLock } from '../../../host/common/temporary-lock.ts';
import { LockProcess } from '../../support/common/lock-process.ts';
import { itOnPosix } from '../../support/describe-on-posix.ts';

const CHILD = join(import.meta.dirname, '../../support/common/temporary-lock-child.ts');

let folder: string;
let lock: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabagent-temporary-lock-'));
  lock = join(folder, 'it.lock');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it('returns the result of the work, and leaves nothing', async () => {
  const done = await withTemporaryLock(lock, 0, async () => {
    expect(await readdir(folder)).toEqual(['it.lock']);
    return 7;
  });
  expect(done).toEqual({ result: 7 });
  expect(await readdir(folder)).toEqual([]);
});

it('is released if the work fails', async () => {
  const failure = new Error('no');
  await expect(withTemporaryLock(lock, 0, () => Promise.reject(failure))).rejects.toBe(failure);
  expect(await readdir(folder)).toEqual([]);
  expect(await withTemporaryLock(lock, 0, async () => 1)).toEqual({ result: 1 });
});

it('runs work of this process in order', async () => {
  const order: string[] = [];
  const work = (name: string) => async () => {
    order.push(`${name} begins`);
    await new Promise(setImmediate);
    order.push(`${name} ends`);
  };
  await Promise.all(['a', 'b', 'c'].map((name) => withTemporaryLock(lock, 0, work(name))));
  expect(order).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]));
});

it('serializes processes: no increment of a shared number is lost', async () => {
  const file = join(folder, 'number');
  await writeFile(file, '0');
  const children = Array.from({ length: 4 }, () => fork(CHILD, [lock, file, '25']));
  expect(await Promise.all(children.map(exitCode))).toEqual([0, 0, 0, 0]);
  expect(await readFile(file, 'utf8')).toBe('100');
  expect(await readdir(folder)).toEqual(['number']);
}, 120_000);

it('does no work while another process holds the lock', async () => {
  const other = new LockProcess();
  try {
    expect(await other.run('try', lock)).toBe(true);
    expect(await withTemporaryLock(lock, 50, () => Promise.reject(new Error('ran')))).toBeUndefined();
    await other.kill();
    // The file of a killed process does not prevent the next one from locking.
    expect(await readdir(folder)).toContain('it.lock');
    expect(await withTemporaryLock(lock, 60_000, async () => 'ran')).toEqual({ result: 'ran' });
    expect(await readdir(folder)).not.toContain('it.lock');
  } finally {
    await other.kill();
  }
});

itOnPosix('creates a file that only the user can read', 'permission bits', async () => {
  await withTemporaryLock(lock, 0, async () => expect((await stat(lock)).mode & 0o777).toBe(0o600));
});

it('throws the error of the file system if the file cannot be created', async () => {
  await expect(withTemporaryLock(join(folder, 'none', 'it.lock'), 0, async () => 1)).rejects.toMatchObject({
    code: 'ENOENT',
  });
});

async function exitCode(child: ChildProcess): Promise<unknown> {
  const [code] = await once(child, 'exit');
  return code;
}
