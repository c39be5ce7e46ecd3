import { existsSync, linkSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FileLock } from '../../../host/common/file-lock.ts';
import { LockProcess } from '../../support/common/lock-process.ts';
import { tempFolder } from '../../support/gguf/temp-folder.ts';

const folder = tempFolder('lock');
afterAll(() => folder.remove());

let path: string;
let count = 0;
beforeEach(() => {
  count += 1;
  path = join(folder.path, String(count), 'locks', 'a.lock');
});

describe('a lock', () => {
  it('has one holder at a time', () => {
    const first = FileLock.try(path);
    expect(first).toBeDefined();
    expect(FileLock.try(path)).toBeUndefined();
    expect(FileLock.isHeld(path)).toBe(true);
    first?.release();
    expect(FileLock.isHeld(path)).toBe(false);
    const second = FileLock.try(path);
    expect(second).toBeDefined();
    // A second release of the first lock does not release the second one.
    first?.release();
    expect(FileLock.isHeld(path)).toBe(true);
    second?.release();
  });

  it('can be shared, which prevents an exclusive lock', () => {
    const shares = [FileLock.share(path), FileLock.share(path)];
    expect(shares.every((share) => share !== undefined)).toBe(true);
    expect(FileLock.try(path)).toBeUndefined();
    shares[0]?.release();
    expect(FileLock.try(path)).toBeUndefined();
    shares[1]?.release();
    const exclusive = FileLock.try(path);
    expect(exclusive).toBeDefined();
    expect(FileLock.share(path)).toBeUndefined();
    exclusive?.release();
  });

  it('has an empty file only while it is held', () => {
    expect(FileLock.isHeld(path)).toBe(false);
    expect(existsSync(path)).toBe(false);
    const lock = FileLock.try(path);
    expect(statSync(path).size).toBe(0);
    lock?.release();
    expect(existsSync(path)).toBe(false);
  });

  it('works even if another program wrote to its file', () => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, 'garbage '.repeat(1000));
    const lock = FileLock.try(path);
    expect(lock).toBeDefined();
    expect(FileLock.try(path)).toBeUndefined();
    lock?.release();
  });

  it('throws a typed error if it cannot be created', () => {
    writeFileSync(join(folder.path, `${count}-file`), '');
    expect(() => FileLock.try(join(folder.path, `${count}-file`, 'a.lock'))).toThrow(
      expect.objectContaining({ name: 'HostError' }),
    );
  });
});

describe('a lock between processes', () => {
  let other: LockProcess;
  beforeEach(() => {
    other = new LockProcess();
  });
  afterEach(() => other.kill());

  // Several names of the same file. On POSIX, closing a descriptor that was opened by any of them would release the
  // lock.
  const onPosix = process.platform === 'win32' ? it.skip : it;
  onPosix.each([
    ['its path', () => path],
    ['a symbolic link to it', () => link((to) => symlinkSync(path, to))],
    ['a hard link to it', () => link((to) => linkSync(path, to))],
    [
      'a symbolic link to its folder',
      () => {
        const to = join(folder.path, `${count}-linked`);
        symlinkSync(dirname(path), to);
        return join(to, basename(path));
      },
    ],
  ])('stays with its holder while the holder checks it by %s', async (_name, nameIt) => {
    const own = FileLock.try(path);
    const name = nameIt();
    expect([FileLock.isHeld(name), FileLock.try(name), FileLock.share(name)]).toEqual([true, undefined, undefined]);
    expect(await other.run('try', path)).toBe(false);
    expect(await other.run('share', path)).toBe(false);
    own?.release();
    expect(await other.run('try', path)).toBe(true);
    expect(FileLock.isHeld(path)).toBe(true);
  });

  function link(make: (to: string) => void): string {
    const to = join(dirname(path), 'linked.lock');
    make(to);
    return to;
  }

  it('stays shared until the last holder of the process releases it', async () => {
    const shares = [FileLock.share(path), FileLock.share(path)];
    expect(FileLock.isHeld(path)).toBe(true);
    shares[0]?.release();
    expect([FileLock.isHeld(path), FileLock.try(path)]).toEqual([true, undefined]);
    expect(await other.run('try', path)).toBe(false);
    expect(await other.run('share', path)).toBe(true);
    shares[1]?.release();
    expect(FileLock.try(path)).toBeUndefined();
    expect(await other.run('release', path)).toBe(true);
    expect(FileLock.isHeld(path)).toBe(false);
  });

  it('ends with its process, and the next process that checks it removes its file', async () => {
    expect(await other.run('try', path)).toBe(true);
    await other.kill();
    expect(existsSync(path)).toBe(true);
    expect(FileLock.isHeld(path)).toBe(false);
    expect(existsSync(path)).toBe(false);
    other = new LockProcess();
  });

  it('ends with its process, and the next process that uses another lock of the folder removes its file', async () => {
    const file = (name: string) => join(dirname(path), name);
    expect(await other.run('try', path)).toBe(true);
    expect(await other.run('share', file('b.use'))).toBe(true);
    await other.kill();
    const kept = file('kept.lock');
    writeFileSync(kept, 'not a lock');
    // Windows allows only some users to create links.
    const link = process.platform === 'win32' ? kept : file('link.lock');
    if (link !== kept) symlinkSync(kept, link);
    const [holder, next] = [new LockProcess(), new LockProcess()];
    try {
      // Held before the folder is cleaned by this process and by the next one.
      const own = FileLock.try(file('own.lock'));
      expect([existsSync(path), existsSync(file('b.use'))]).toEqual([false, false]);
      expect(await holder.run('share', file('held.use'))).toBe(true);
      expect(await next.run('try', file('c.lock'))).toBe(true);
      expect(await next.run('try', file('own.lock'))).toBe(false);
      expect(await next.run('try', file('held.use'))).toBe(false);
      expect([readFileSync(kept, 'utf8'), existsSync(link)]).toEqual(['not a lock', true]);
      own?.release();
    } finally {
      await Promise.all([holder.kill(), next.kill()]);
    }
    other = new LockProcess();
  });

  it('can be acquired while another process checks it', async () => {
    let done = false;
    let asked = 0;
    const asking = (async () => {
      for (; !done; asked += 1) await other.run('isHeld', path);
    })();
    let refused = 0;
    // The file must exist, so that the check needs the lock.
    for (let tries = 0; tries < 300 || asked < 300; tries += 1) {
      for (const take of [FileLock.try, FileLock.share]) {
        const lock = take(path);
        if (lock === undefined) refused += 1;
        mkdirSync(dirname(path), { recursive: true });
        lock?.release();
        writeFileSync(path, '');
      }
      await new Promise(setImmediate);
    }
    done = true;
    await asking;
    expect(refused).toBe(0);
  });

  it('has one holder while many processes acquire and release it', async () => {
    const others = Array.from({ length: 3 }, () => new LockProcess());
    try {
      for (let round = 0; round < 40; round += 1) {
        const taken = await Promise.all(others.map((process) => process.run('try', path)));
        expect(taken.filter((one) => one)).toHaveLength(1);
        await Promise.all(others.map((process) => process.run('release', path)));
      }
    } finally {
      await Promise.all(others.map((process) => process.kill()));
    }
  });
});
