import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Maximum length of a socket's path in bytes. macOS allows 103, Linux 107. */
const MAX_SOCKET_PATH = 103;

/** The address at which a host listens for other hosts of its user. */
export interface Address {
  /** Path of the socket, or of the named pipe on Windows. */
  readonly path: string;
  /** Removes the socket, and its folder if that was created for it. */
  remove(): Promise<void>;
}

/**
 * Returns a new address in a folder that only the user can open: the folder of the announcements or, if its path is too
 * long for a socket, a new temporary folder. Named pipes are not in a folder, but their names cannot be guessed, and a
 * connection is useless without the secret.
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
