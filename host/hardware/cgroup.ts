import { posix } from 'node:path';
import type { ReadText } from './read-text.ts';

/** The memory limit of a control group, in bytes. */
export interface MemoryLimit {
  readonly limit: number;
  /** The unused part of the limit. Reclaimable file pages count as available, as in `MemAvailable`. */
  readonly available: number;
}

/** File names and keys of the two versions of the memory controller. */
const VERSIONS = {
  1: { limit: 'memory.limit_in_bytes', usage: 'memory.usage_in_bytes', reclaimable: 'total_inactive_file' },
  2: { limit: 'memory.max', usage: 'memory.current', reclaimable: 'inactive_file' },
} as const;

/** Maximum number of levels that are read. Real hierarchies have only a few. */
const MAX_DEPTH = 64;

/**
 * Returns the memory limits of this process: those of its control group and of all ancestors that are visible inside a
 * container. Source: the kernel's cgroup-v1/memory.rst and cgroup-v2.rst.
 */
export async function memoryLimits(readText: ReadText): Promise<MemoryLimit[]> {
  const limits: MemoryLimit[] = [];
  for (const { version, mount, path } of parseGroups((await readText('/proc/self/cgroup')) ?? '')) {
    for (const folder of upwards(mount, path)) {
      const found = await readLimit(folder, version, readText);
      if (found !== undefined) limits.push(found);
    }
  }
  return limits;
}

interface Group {
  readonly version: 1 | 2;
  readonly mount: string;
  readonly path: string;
}

/** Parses `/proc/self/cgroup`: `4:memory:/path` is version 1, `0::/path` is version 2. Both may occur. */
function parseGroups(text: string): Group[] {
  return text.split('\n').flatMap((line): Group[] => {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers.split(',').includes('memory')) return [{ version: 1, mount: '/sys/fs/cgroup/memory', path }];
    return controllers === '' && path !== '' ? [{ version: 2, mount: '/sys/fs/cgroup', path }] : [];
  });
}

/** Returns the group's folder and its ancestors up to the mount. Inside a container, only the mount may exist. */
function upwards(mount: string, path: string): string[] {
  const folders: string[] = [];
  let folder = posix.join(mount, posix.normalize(path));
  while (folder.startsWith(`${mount}/`) && folders.length < MAX_DEPTH) {
    folders.push(folder.replace(/\/$/, ''));
    folder = posix.dirname(folder);
  }
  return [...folders, mount];
}

async function readLimit(folder: string, version: 1 | 2, readText: ReadText): Promise<MemoryLimit | undefined> {
  const names = VERSIONS[version];
  const limit = Number(await readText(`${folder}/${names.limit}`));
  // Without a limit, version 2 returns `max`, and version 1 a number larger than any memory (2^63 minus a page).
  if (!(limit > 0)) return undefined;
  const usage = Number(await readText(`${folder}/${names.usage}`)) || 0;
  const stat = (await readText(`${folder}/memory.stat`)) ?? '';
  const reclaimable = Number(new RegExp(`^${names.reclaimable} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0);
  return { limit, available: Math.max(0, limit - Math.max(0, usage - reclaimable)) };
}
