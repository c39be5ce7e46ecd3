import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findProgram } from '../find-program.ts';

/** Programs that {@link startDesktopSession} requires. Debian's packages are `dbus` and `gnome-keyring`. */
const PROGRAMS = ['dbus-daemon', 'gnome-keyring-daemon'];

/** Returns a message about the programs that are missing on this computer; undefined if none are. */
export function missingDesktopPrograms(): string | undefined {
  const missing = PROGRAMS.filter((name) => findProgram(name) === undefined);
  return missing.length === 0
    ? undefined
    : `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not installed`;
}

/** A desktop session with a secret service. */
export interface DesktopSession {
  /** The environment variables that connect a program to it. */
  readonly env: NodeJS.ProcessEnv;
  close(): Promise<void>;
}

/**
 * Starts a message bus with GNOME Keyring, unlocked or locked.
 *
 * @param folder The folder for its sockets and keyrings.
 */
export async function startDesktopSession(
  folder: string,
  { unlocked }: { unlocked: boolean },
): Promise<DesktopSession> {
  const runtime = join(folder, 'runtime');
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  const baseEnv = { PATH: process.env.PATH, HOME: folder, XDG_RUNTIME_DIR: runtime };
  const bus = spawn('dbus-daemon', ['--session', '--nofork', '--print-address'], {
    env: baseEnv,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [address] = await once(createInterface(bus.stdout), 'line');
  const env = { ...baseEnv, DBUS_SESSION_BUS_ADDRESS: String(address) };
  // This process exits when its daemon is on the bus. The daemon exits with the bus.
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
