import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Longest path of a socket, bytes: macOS allows 103, Linux 107. */
const MAX_SOCKET_PATH = 103;

/** Where a host listens for the other hosts of its user. */
export interface Address {
  /** A socket, or on Windows a named pipe. */
  readonly path: string;
  /** Removes what was made for it. */
  remove(): Promise<void>;
}

/**
 * Returns a new address in a folder that only the user can open: that of the announcements or, where its path is too long
 * for a socket, a new one for temporary files. A named pipe has no folder: its name cannot be guessed, and it is of no use
 * without the secret.
 */
export async function newAddress(folder: string): Promise<Address> {
  const name = randomBytes(16).toString('hex');
  if (process.platform === 'win32') return { path: `\\\\.\\pipe\\tabagent-${name}`, remove: async () => {} };
  const path = join(folder, `${name}.sock`);
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return { path, remove: () => rm(path, { force: true }) };
  }
  const own = await mkdtemp(join(tmpdir(), 'tabagent-'));
  await chmod(own, 0o700);
  return { path: join(own, 's.sock'), remove: () => rm(own, { recursive: true, force: true }) };
}
