import * as os from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { parseMemInfo, memoryInfo as readMemory } from '../../../host/hardware/memory.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { recordedMachine } from '../../support/snapshots/machine.ts';

const GiB = 1024 ** 3;
const MiB = 1024 ** 2;
/** 16 GiB, of which 1 GiB is free and 12 GiB are available. */
const MEMINFO = `MemTotal:       16777216 kB
MemFree:         1048576 kB
MemAvailable:   12582912 kB
Buffers:          524288 kB
Cached:         10485760 kB
`;

const memoryInfo = (machine: Parameters<typeof readMemory>[0]) => readMemory(machine, new RecordedLog());
const memory = (files: Record<string, string>) =>
  memoryInfo(recordedMachine({ files: { '/proc/meminfo': MEMINFO, ...files } }));

describe('memory on Linux', () => {
  it('is the available memory, not the free memory', async () => {
    expect(await memory({})).toEqual({ total: 16 * GiB, available: 12 * GiB });
  });

  it('is limited by a container (cgroup v2), with its file pages counted as free', async () => {
    const group = '/sys/fs/cgroup/docker/abc';
    const found = await memory({
      '/proc/self/cgroup': '0::/docker/abc\n',
      [`${group}/memory.max`]: `${4 * GiB}\n`,
      [`${group}/memory.current`]: `${3 * GiB}\n`,
      [`${group}/memory.stat`]: `anon 123\ninactive_file ${2 * GiB}\nactive_file 5\n`,
    });
    expect(found).toEqual({ total: 4 * GiB, available: 3 * GiB });
  });

  it('is limited by an ancestor group', async () => {
    const found = await memory({
      '/proc/self/cgroup': '0::/a/b/c\n',
      '/sys/fs/cgroup/a/b/c/memory.max': 'max\n',
      '/sys/fs/cgroup/a/b/c/memory.current': '0\n',
      '/sys/fs/cgroup/a/memory.max': `${2 * GiB}\n`,
      '/sys/fs/cgroup/a/memory.current': `${512 * MiB}\n`,
    });
    expect(found).toEqual({ total: 2 * GiB, available: 1.5 * GiB });
  });

  it('is limited inside a container that sees only its own root', async () => {
    const found = await memory({
      '/proc/self/cgroup': '0::/\n',
      '/sys/fs/cgroup/memory.max': `${GiB}\n`,
      '/sys/fs/cgroup/memory.current': `${256 * MiB}\n`,
    });
    expect(found).toEqual({ total: GiB, available: 768 * MiB });
  });

  it('is limited by a container of cgroup v1', async () => {
    const group = '/sys/fs/cgroup/memory/docker/abc';
    const found = await memory({
      '/proc/self/cgroup': '5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n0::/\n',
      [`${group}/memory.limit_in_bytes`]: `${2 * GiB}\n`,
      [`${group}/memory.usage_in_bytes`]: `${GiB}\n`,
      [`${group}/memory.stat`]: `inactive_file 1\ntotal_inactive_file ${512 * MiB}\n`,
    });
    expect(found).toEqual({ total: 2 * GiB, available: 1.5 * GiB });
  });

  it('is that of the whole machine if no limit or a higher one is set', async () => {
    const none = {
      '/proc/self/cgroup': '4:memory:/x\n0::/\n',
      '/sys/fs/cgroup/memory/x/memory.limit_in_bytes': '9223372036854771712\n',
    };
    expect(await memory(none)).toEqual({ total: 16 * GiB, available: 12 * GiB });
    const above = {
      '/proc/self/cgroup': '0::/x\n',
      '/sys/fs/cgroup/x/memory.max': `${64 * GiB}\n`,
      '/sys/fs/cgroup/x/memory.current': '0\n',
    };
    expect(await memory(above)).toEqual({ total: 16 * GiB, available: 12 * GiB });
  });

  it('is never negative', async () => {
    const full = {
      '/proc/self/cgroup': '0::/x\n',
      '/sys/fs/cgroup/x/memory.max': `${GiB}\n`,
      '/sys/fs/cgroup/x/memory.current': `${2 * GiB}\n`,
    };
    expect(await memory(full)).toEqual({ total: GiB, available: 0 });
  });

  it.each([
    ['climbs out of the mount', '0::/../../../etc\n'],
    ['has no path', '0::\n'],
    ['is not a list of groups', 'banana\n\0\n'],
  ])('ignores a group file that %s', async (_, text) => {
    expect(await memory({ '/proc/self/cgroup': text })).toEqual({ total: 16 * GiB, available: 12 * GiB });
  });

  it('comes from Node.js if /proc/meminfo is not available', async () => {
    const { total, available } = await memoryInfo(recordedMachine({}));
    expect(total).toBeGreaterThan(0);
    expect(available).toBeLessThanOrEqual(total);
  });
});

it('a Mac’s memory is the available memory according to systeminformation', async () => {
  const answer = async () => ({ mem: async () => ({ total: 16 * GiB, free: MiB, available: 9 * GiB }) });
  const mac = recordedMachine({ platform: 'darwin', systemInformation: answer as never });
  expect(await memoryInfo(mac)).toEqual({ total: 16 * GiB, available: 9 * GiB });
});

it('a Mac’s memory comes from Node.js if the system does not respond', async () => {
  const failure = new Error('vm_stat failed');
  const mac = recordedMachine({ platform: 'darwin', systemInformation: () => Promise.reject(failure) });
  const log = new RecordedLog();
  const { total, available } = await readMemory(mac, log);
  expect(total).toBe(os.totalmem());
  expect(available).toBeLessThanOrEqual(total);
  expect(log.lines).toEqual([{ level: 'warn', event: 'hardware.memory_probe_failed', fields: { error: failure } }]);
});

it('Windows’ memory comes from Node.js', async () => {
  const { total, available } = await memoryInfo(recordedMachine({ platform: 'win32' }));
  expect(total).toBeGreaterThan(0);
  expect(available).toBeLessThanOrEqual(total);
});

it('reads nothing outside of /proc and the cgroup mount, whatever the path of the group', async () => {
  const asked: string[] = [];
  const machine = recordedMachine({ files: { '/proc/meminfo': MEMINFO, '/proc/self/cgroup': '0::/../../etc/x\n' } });
  const readText = (path: string) => {
    asked.push(path);
    return machine.readText(path);
  };
  await memoryInfo({ ...machine, readText });
  expect(asked.length).toBeGreaterThan(2);
  expect(asked.filter((path) => !/^\/(proc|sys\/fs\/cgroup)\/(?!.*\.\.)/.test(path))).toEqual([]);
});

it.each([
  ['nothing', ''],
  ['a kernel before 3.14, without MemAvailable', MEMINFO.replace(/MemAvailable.*\n/, '')],
  ['an invalid number', MEMINFO.replace('16777216', 'lots')],
])('parseMemInfo returns undefined for %s', (_what, text) => expect(parseMemInfo(text)).toBeUndefined());
