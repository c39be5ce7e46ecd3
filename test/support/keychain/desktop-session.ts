import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findProgram } from '../find-program.ts';

/** Programs that a {@link startDesktopSession} starts. Debian's packages are `dbus` and `gnome-keyring`. */
const PROGRAMS = ['dbus-daemon', 'gnome-keyring-daemon'];

/** What this machine lacks of them, in words; undefined when it has all. */
export function missingOfDesktop(): string | undefined {
  const missing = PROGRAMS.filter((name) => findProgram(name) === undefined);
  return missing.length === 0 ? undefined : `${missing.join(' and ')} not installed`;
}

/** A desktop's session as far as secrets go. */
export interface DesktopSession {
  /** Leads programs to it. */
  readonly env: NodeJS.ProcessEnv;
  close(): Promise<void>;
}

/**
 * Starts a message bus, and on it GNOME's keyring, unlocked or with nobody there to unlock it.
 *
 * @param folder For its sockets and keyrings.
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
  // The first process ends once the daemon it leaves behind stands on the bus; that one ends with the bus.
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
