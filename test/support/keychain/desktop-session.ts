import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findProgram } from '../find-program.ts';

/** Programs that a {@link startDesktopSession} starts. Debian's packages are `dbus` and `gnome-keyring`. */
const PROGRAMS = ['dbus-daemon', 'gnome-keyring-daemon'];

/** Returns what is missing on this computer; undefined if nothing is. */
export function missingOfDesktop(): string | undefined {
  const missing = PROGRAMS.filter((name) => findProgram(name) === undefined);
  return missing.length === 0 ? undefined : `${missing.join(' and ')} not installed`;
}

/** A desktop session for secrets. */
export interface DesktopSession {
  /** Environment variables that connect programs to it. */
  readonly env: NodeJS.ProcessEnv;
  close(): Promise<void>;
}

/**
 * Starts a message bus with GNOME's keyring, unlocked or locked.
 *
 * @param folder Folder for its sockets and keyrings.
 */
export async function startDesktopSession(
  folder: string,
  { unlocked }: { unlocked: boolean },
): Promise<DesktopSession> {
  const runtime = join(folder, 'runtime');
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  const bare = { PATH: process.env.PATH, HOME: folder, XDG_RUNTIME_DIR: runtime };
  const bus = spawn('dbus-daemon', ['--session', '--nofork', '--print-address'], {
    env: bare,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [address] = await once(createInterface(bus.stdout), 'line');
  const env = { ...bare, DBUS_SESSION_BUS_ADDRESS: String(address) };
  // The first process exits once its daemon is on the bus; the daemon exits with the bus.
  const keyring = spawn('gnome-keyring-daemon', [unlocked ? '--unlock' : '--start', '--components=secrets'], {
    env,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  keyring.stdin.end('a password');
  await once(keyring, 'exit');
  return { env, close: () => end(bus) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
