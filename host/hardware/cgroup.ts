import { posix } from 'node:path';
import type { ReadText } from './read-text.ts';

/** What a control group may have of the memory, bytes. */
export interface MemoryLimit {
  readonly limit: number;
  /** What is left of it: file pages that can be dropped count as free, as they do in `MemAvailable`. */
  readonly available: number;
}

/** The names the two versions of the memory controller give to the same three facts. */
const VERSIONS = {
  1: { limit: 'memory.limit_in_bytes', usage: 'memory.usage_in_bytes', droppable: 'total_inactive_file' },
  2: { limit: 'memory.max', usage: 'memory.current', droppable: 'inactive_file' },
} as const;

/** A path deeper than this many groups is not followed up; the kernel's own files are a handful deep. */
const MAX_DEPTH = 64;

/**
 * The limits on this process's memory: of its own control group and of every one above it, as far as they can be seen
 * from inside a container. Empty where there is none. Source: the kernel's cgroup-v1/memory.rst and cgroup-v2.rst.
 */
export async function memoryLimits(readText: ReadText): Promise<MemoryLimit[]> {
  const limits: MemoryLimit[] = [];
  for (const { version, mount, path } of groupsOf((await readText('/proc/self/cgroup')) ?? '')) {
    for (const folder of upwards(mount, path)) {
      const found = await limitOf(folder, version, readText);
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

/** Reads `/proc/self/cgroup`: `4:memory:/path` is version 1, `0::/path` version 2, perhaps beside it. */
function groupsOf(text: string): Group[] {
  return text.split('\n').flatMap((line): Group[] => {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers.split(',').includes('memory')) return [{ version: 1, mount: '/sys/fs/cgroup/memory', path }];
    return controllers === '' && path !== '' ? [{ version: 2, mount: '/sys/fs/cgroup', path }] : [];
  });
}

/** The group's folder and all above it up to the mount. Inside a container only the mount itself may be there. */
function upwards(mount: string, path: string): string[] {
  const folders: string[] = [];
  let folder = posix.join(mount, posix.normalize(path));
  while (folder.startsWith(`${mount}/`) && folders.length < MAX_DEPTH) {
    folders.push(folder.replace(/\/$/, ''));
    folder = posix.dirname(folder);
  }
  return [...folders, mount];
}

async function limitOf(folder: string, version: 1 | 2, readText: ReadText): Promise<MemoryLimit | undefined> {
  const names = VERSIONS[version];
  const limit = Number(await readText(`${folder}/${names.limit}`));
  // `max` in version 2; version 1 writes a number no machine reaches (2^63 less a page), which limits nothing either.
  if (!(limit > 0)) return undefined;
  const usage = Number(await readText(`${folder}/${names.usage}`)) || 0;
  const stat = (await readText(`${folder}/memory.stat`)) ?? '';
  const droppable = Number(new RegExp(`^${names.droppable} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0);
  return { limit, available: Math.max(0, limit - Math.max(0, usage - droppable)) };
}
