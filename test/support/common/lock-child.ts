import { FileLock } from '../../../host/common/file-lock.ts';

/**
 * Takes and releases locks in a separate process. A message names what to do with which file; the answer is whether a
 * lock was taken, or is held.
 */
export interface LockCommand {
  readonly command: 'try' | 'share' | 'isHeld' | 'release';
  readonly path: string;
}

const locks = new Map<string, FileLock>();

process.on('message', ({ command, path }: LockCommand) => process.send?.(run(command, path)));

function run(command: LockCommand['command'], path: string): boolean {
  if (command === 'isHeld') return FileLock.isHeld(path);
  if (command === 'release') {
    locks.get(path)?.release();
    return locks.delete(path);
  }
  const lock = FileLock[command](path);
  if (lock !== undefined) locks.set(path, lock);
  return lock !== undefined;
}
