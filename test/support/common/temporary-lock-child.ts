import { readFile, writeFile } from 'node:fs/promises';
import { withTemporaryLock } from '../../../host/common/temporary-lock.ts';

/** Increments the number in a file, under a lock: `temporary-lock-child.ts LOCK FILE TIMES`. */
const [lock = '', file = '', times = ''] = process.argv.slice(2);
for (let i = 0; i < Number(times); i += 1) {
  const done = await withTemporaryLock(lock, 60_000, async () => {
    await writeFile(file, String(Number(await readFile(file, 'utf8')) + 1));
  });
  if (done === undefined) throw new Error('The lock was not acquired');
}
