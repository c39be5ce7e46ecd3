import { statfs } from 'node:fs/promises';
import { ancestors } from './ancestors.ts';
import { HostError, isSystemError } from './errors.ts';
import { formatBytes } from './format.ts';

/** The size of a volume and the space that is available to this user, in bytes. */
export interface DiskSpace {
  readonly total: number;
  readonly available: number;
}

/** Returns the disk space of the volume of `path`, which need not exist; null if it cannot be determined. */
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

/** Throws `DISK_FULL`, with the sizes, if the volume of `folder` has less than `needed` bytes available. */
export async function assertSpace(folder: string, needed: number): Promise<void> {
  const space = await diskSpace(folder);
  if (space === null || needed <= space.available) return;
  throw new HostError(
    'DISK_FULL',
    `The download needs ${formatBytes(needed)} more, and the disk of ${folder} has ${formatBytes(space.available)} left. Free some space, delete a model, or move the cache with TABAGENT_HOME.`,
    { details: { needed, available: space.available, folder } },
  );
}
