import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { systemFolder, withSafePath } from './find-program.ts';

/**
 * Kills a program that was started as the leader of a process group ({@link leadsGroup}), and all processes that it
 * started. Does nothing if it has already exited.
 */
export function killTree(child: ChildProcess): void {
  if (child.pid === undefined) return;
  if (process.platform === 'win32') {
    // Windows cannot signal a group of processes: taskkill follows the parent ids that the system records.
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
    // It has already exited.
  }
}

/** Returns the `detached` option for a child process that {@link killTree} will end. */
export function leadsGroup(): boolean {
  // On Windows `detached` would give the child its own console window.
  return process.platform !== 'win32';
}
