import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { systemFolder, withSafePath } from './find-program.ts';

/**
 * Kills a program that was started as the leader of a process group ({@link leadsGroup}), and all its child processes.
 * Does nothing if the program has already exited.
 */
export function killTree(child: ChildProcess): void {
  if (child.pid === undefined) return;
  if (process.platform === 'win32') {
    // Windows has no process groups to signal. taskkill finds the child processes by their parent ids.
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
    // The process has already exited.
  }
}

/** Returns the `detached` option for a child process that {@link killTree} can kill. */
export function leadsGroup(): boolean {
  // On Windows, `detached` would open a console window for the child.
  return process.platform !== 'win32';
}
