import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { systemFolder, withSafePath } from './find-program.ts';

/**
 * Ends a program that was started as the leader of a process group ({@link leadsGroup}), with everything that it
 * started, at once. Where it has ended already, nothing happens.
 */
export function killTree(child: ChildProcess): void {
  if (child.pid === undefined) return;
  if (process.platform === 'win32') {
    // Windows has no groups that a signal reaches: taskkill follows the parents that the system notes of each process.
    const cwd = systemFolder();
    const taskkill = spawn(join(cwd, 'taskkill.exe'), ['/PID', String(child.pid), '/T', '/F'], {
      cwd,
      env: withSafePath(process.env),
      stdio: 'ignore',
      windowsHide: true,
    });
    const killAlone = () => child.kill('SIGKILL');
    taskkill.once('error', killAlone);
    taskkill.once('exit', (code) => {
      if (code !== 0) killAlone();
    });
    return;
  }
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

/** Returns the `detached` option for a child that {@link killTree} is to end. */
export function leadsGroup(): boolean {
  // On Windows `detached` would give the child a console window of its own.
  return process.platform !== 'win32';
}
