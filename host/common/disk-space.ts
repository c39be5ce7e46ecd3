import { statfs } from 'node:fs/promises';
import { ancestors } from './ancestors.ts';
import { HostError, isSystemError } from './errors.ts';
import { formatBytes } from './format.ts';

/** A volume's size, and what this user can still write to it; bytes. */
export interface DiskSpace {
  readonly total: number;
  readonly available: number;
}

/** The volume `path` lies on, or will lie on: the nearest folder that is there answers. Null where none does. */
export async function diskSpace(path: string): Promise<DiskSpace | null> {
  for (const folder of ancestors(path)) {
    try {
      const { bsize, blocks, bavail } = await statfs(folder);
      return { total: blocks * bsize, available: bavail * bsize };
    } catch (error) {
      if (!isSystemError(error, 'ENOENT', 'ENOTDIR')) return null;
    }
  }
  return null;
}

/** Throws `DISK_FULL`, with figures, when a volume has too little space for `needed` more bytes. */
export async function assertSpace(folder: string, needed: number): Promise<void> {
  const space = await diskSpace(folder);
  if (space === null || needed <= space.available) return;
  throw new HostError(
    'DISK_FULL',
    `The download needs ${formatBytes(needed)} more, and the disk of ${folder} has ${formatBytes(space.available)} left. Free some space, delete a model, or move the cache with TABAGENT_HOME.`,
    { details: { needed, available: space.available, folder } },
  );
}
