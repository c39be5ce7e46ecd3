import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { parseCpuList } from '../../../host/hardware/cpu-list.ts';
import { type CpuTimeSource, cpuLoad, ownCpuTimes, readCpuTime } from '../../../host/hardware/cpu-time.ts';

/** Simulates what a kernel reports at one moment. */
function recorded(stat: string, moment: { now: number; own: number; allowed?: string }): CpuTimeSource {
  const status = moment.allowed === undefined ? '' : `Name:\tx\nCpus_allowed_list:\t${moment.allowed}\n`;
  return {
    platform: 'linux',
    readText: async (path) => ({ '/proc/stat': stat, '/proc/self/status': status })[path],
    cpus: () => [],
    usage: () => ({ user: moment.own * 1000, system: 0 }),
    now: () => moment.now,
  };
}

const line = (n: number, [user, nice, system, steal]: number[]) =>
  `cpu${n} ${user} ${nice} ${system} 1000 50 0 0 ${steal} 7 0\n`;
const BEFORE = `cpu  1 2 3 4\n${line(0, [100, 0, 10, 0])}${line(1, [200, 0, 20, 0])}intr 5\n`;
const AFTER = `cpu  1 2 3 4\n${line(0, [180, 0, 20, 0])}${line(1, [200, 5, 20, 55])}intr 5\n`;

async function loadOf(...moments: readonly CpuTimeSource[]) {
  const [before, after] = await Promise.all(moments.map(readCpuTime));
  return before && after && cpuLoad(before, after);
}

describe('the load of the CPUs', () => {
  it('is the CPU time of other processes, including nice and stolen time', async () => {
    const load = await loadOf(recorded(BEFORE, { now: 0, own: 100 }), recorded(AFTER, { now: 1000, own: 350 }));
    expect(load).toEqual({ own: 0.25, others: 1.25, idle: 0.5, cpus: 2 });
  });

  it('includes only the CPUs that this process may use', async () => {
    const allowed = { allowed: '1,5-9' };
    const load = await loadOf(
      recorded(BEFORE, { now: 0, own: 0, ...allowed }),
      recorded(AFTER, { now: 1000, own: 0, ...allowed }),
    );
    expect(load).toEqual({ own: 0, others: 0.6, idle: 0.4, cpus: 1 });
  });

  it('is between 0 and the number of CPUs', async () => {
    const [rest, work] = [
      { now: 0, own: 0 },
      { now: 1000, own: 5000 },
    ];
    expect(await loadOf(recorded(BEFORE, rest), recorded(BEFORE, work))).toEqual({
      own: 2,
      others: 0,
      idle: 2,
      cpus: 2,
    });
    const soon = { now: 10, own: 0 };
    expect(await loadOf(recorded(BEFORE, rest), recorded(AFTER, soon))).toEqual({
      own: 0,
      others: 2,
      idle: 0,
      cpus: 2,
    });
  });

  it('is undefined if no time has passed, or the system does not report it', async () => {
    const rest = { now: 0, own: 0 };
    expect(await loadOf(recorded(BEFORE, rest), recorded(AFTER, rest))).toBeUndefined();
    for (const stat of ['', 'cpu  1 2 3\n', 'cpu0 a b c\n']) {
      expect(await readCpuTime(recorded(stat, rest))).toBeUndefined();
    }
  });

  it('comes from Node.js on other systems', async () => {
    const source = (busy: number, now: number): CpuTimeSource => ({
      ...recorded('', { now, own: 0 }),
      platform: 'darwin',
      cpus: () => [{ times: { user: busy, nice: 0, sys: 0, idle: 50, irq: 0 } }],
    });
    expect(await loadOf(source(100, 0), source(160, 100))).toEqual({ own: 0, others: 0.6, idle: 0.4, cpus: 1 });
  });

  it('is available on this machine', async () => {
    const before = await readCpuTime(ownCpuTimes());
    const neighbour = spawn(process.execPath, ['-e', 'const end = Date.now() + 300; while (Date.now() < end);']);
    await once(neighbour, 'exit');
    const after = await readCpuTime(ownCpuTimes());
    expect(before && after && cpuLoad(before, after)?.others).toBeGreaterThan(0);
  });
});

describe('a list of CPUs', () => {
  it.each([
    ['0', [0]],
    ['0-3,8\n', [0, 1, 2, 3, 8]],
    ['', []],
    ['a-b,3-1,0-999999999999', []],
  ])('%s', (list, numbers) => expect(parseCpuList(list)).toEqual(numbers));
});
