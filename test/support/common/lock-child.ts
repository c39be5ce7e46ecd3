import { FileLock } from '../../../host/common/file-lock.ts';

/**
 * A command for a process that acquires and releases locks. It replies with whether the lock was acquired, is held, or
 * was released.
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
