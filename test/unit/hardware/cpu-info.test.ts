import { describe, expect, it } from '@jest/globals';
import { cpuFacts, parseProcessorIdentifier } from '../../../host/hardware/cpu-facts.ts';
import { parseCpuInfo } from '../../../host/hardware/cpuinfo.ts';
import { recordedMachine } from '../../support/snapshots/machine.ts';

/** One thread of a server in the kernel's format; only the relevant fields. */
function xeonThread(processor: number, socket: number, core: number, flags = 'fpu sse4_2 avx avx2 avx512f'): string {
  return [
    `processor\t: ${processor}`,
    'vendor_id\t: GenuineIntel',
    'cpu family\t: 6',
    'model\t\t: 85',
    'model name\t: Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz',
    'stepping\t: 7',
    `physical id\t: ${socket}`,
    'siblings\t: 48',
    `core id\t\t: ${core}`,
    'cpu cores\t: 24',
    'fpu\t\t: yes',
    `flags\t\t: ${flags}`,
    'vmx flags\t: vnmi preemption_timer',
    'bugs\t\t: spectre_v1 spectre_v2',
    'address sizes\t: 46 bits physical, 48 bits virtual',
    'power management:',
    '',
  ].join('\n');
}

/** Two sockets with 24 cores; the kernel numbers the second thread of each core after all first ones. */
const TWO_SOCKETS = Array.from({ length: 96 }, (_, n) => xeonThread(n, Math.floor((n % 48) / 24), n % 24)).join('\n');

const VM_WITHOUT_CORES = [0, 1]
  .map(
    (n) =>
      `processor\t: ${n}\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\nmodel name\t: AMD EPYC 7763 64-Core Processor\nstepping\t: 1\nflags\t\t: fpu sse4_2 avx2\n`,
  )
  .join('\n');

const PI_4 = `${[0, 1, 2, 3]
  .map(
    (n) =>
      `processor\t: ${n}\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd evtstrm crc32 cpuid\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd08\nCPU revision\t: 3\n`,
  )
  .join('\n')}
Revision\t: c03114
Serial\t\t: 100000003b2a1234
Model\t\t: Raspberry Pi 4 Model B Rev 1.4
`;

const GRAVITON_3 = [0, 1]
  .map(
    (n) =>
      `processor\t: ${n}\nBogoMIPS\t: 2100.00\nFeatures\t: fp asimd asimddp fphp sve i8mm bf16\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x1\nCPU part\t: 0xd40\nCPU revision\t: 1\n`,
  )
  .join('\n');

describe('parseCpuInfo', () => {
  it('counts the cores of two sockets with two threads each once', () => {
    expect(parseCpuInfo(TWO_SOCKETS)).toEqual({
      vendor: 'GenuineIntel',
      modelName: 'Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz',
      family: 6,
      model: 85,
      stepping: 7,
      part: null,
      flags: ['fpu', 'sse4_2', 'avx', 'avx2', 'avx512f'],
      cores: 48,
      threads: 96,
    });
  });

  it('counts every thread as a core in a virtual machine that reports no cores', () => {
    expect(parseCpuInfo(VM_WITHOUT_CORES)).toMatchObject({ vendor: 'AuthenticAMD', family: 25, cores: 2, threads: 2 });
  });

  it('finds the board name of a Raspberry Pi after its processors', () => {
    expect(parseCpuInfo(PI_4)).toEqual({
      vendor: 'ARM',
      modelName: 'Raspberry Pi 4 Model B Rev 1.4',
      family: null,
      model: null,
      stepping: null,
      part: 0xd08,
      flags: ['fp', 'asimd', 'evtstrm', 'crc32', 'cpuid'],
      cores: 4,
      threads: 4,
    });
  });

  it('reads a Graviton, which has no name', () => {
    expect(parseCpuInfo(GRAVITON_3)).toMatchObject({ vendor: 'ARM', modelName: '', part: 0xd40, cores: 2, threads: 2 });
    expect(parseCpuInfo(GRAVITON_3).flags).toContain('i8mm');
  });

  it('uses the part number of the fastest cores, and only flags that all cores have', () => {
    const big = 'processor\t: 0\nFeatures\t: fp asimd asimddp sve\nCPU implementer\t: 0x41\nCPU part\t: 0xd48\n';
    const small = 'processor\t: 1\nFeatures\t: fp asimd asimddp\nCPU implementer\t: 0x41\nCPU part\t: 0xd46\n';
    for (const text of [`${big}\n${small}`, `${small}\n${big}`]) {
      expect(parseCpuInfo(text)).toMatchObject({ part: 0xd48, flags: ['fp', 'asimd', 'asimddp'] });
    }
  });

  it.each([
    ['nothing', ''],
    ['noise', '\u0000\u0001: : :\n\n:::\n'],
    ['a processor without fields', 'processor\t: 0\n'],
    ['invalid numbers', 'processor\t: 0\nvendor_id\t:\ncpu family\t: six\nmodel\t\t: 1.5\nstepping\t: unknown\n'],
  ])('returns one unknown thread for %s', (_what, text) => {
    expect(parseCpuInfo(text)).toMatchObject({
      family: null,
      model: null,
      stepping: null,
      flags: [],
      cores: 1,
      threads: 1,
    });
  });
});

describe('cpuFacts', () => {
  it('reports no more cores and threads than this process may use', async () => {
    const files = { '/proc/cpuinfo': TWO_SOCKETS };
    expect(await cpuFacts(recordedMachine({ files }))).toMatchObject({ cores: 48, threads: 96, platform: 'linux' });
    expect(await cpuFacts(recordedMachine({ files, usableThreads: 4 }))).toMatchObject({ cores: 4, threads: 4 });
    expect(await cpuFacts(recordedMachine({ files, usableThreads: 60 }))).toMatchObject({ cores: 48, threads: 60 });
  });

  it('counts a core of an Arm server with four threads once', async () => {
    const text = Array.from({ length: 8 }, (_, n) => `processor\t: ${n}\nCPU implementer\t: 0x43\nCPU part\t: 0x0af\n`);
    const files = {
      '/proc/cpuinfo': text.join('\n'),
      '/sys/devices/system/cpu/cpu0/topology/thread_siblings_list': '0,2,4,6\n',
    };
    expect(await cpuFacts(recordedMachine({ architecture: 'arm64', files }))).toMatchObject({ cores: 2, threads: 8 });
  });

  it('distinguishes performance cores of Intel and Arm', async () => {
    const intel = Array.from(
      { length: 24 },
      (_, n) => `processor\t: ${n}\nvendor_id\t: GenuineIntel\nphysical id\t: 0\ncore id\t: ${n < 16 ? n >> 1 : n}\n`,
    );
    const files = {
      '/proc/cpuinfo': intel.join('\n'),
      '/sys/devices/system/cpu/cpu0/topology/thread_siblings_list': '0-1\n',
      '/sys/devices/cpu_core/cpus': '0-15\n',
    };
    expect(await cpuFacts(recordedMachine({ files }))).toMatchObject({ cores: 16, threads: 24, performanceCores: 8 });
    // A container with four CPUs may have any four.
    expect(await cpuFacts(recordedMachine({ files, usableThreads: 4 }))).not.toHaveProperty('performanceCores');

    const arm = Array.from({ length: 8 }, (_, n) => `processor\t: ${n}\nCPU implementer\t: 0x41\nCPU part\t: 0xd05\n`);
    const capacities = Array.from({ length: 8 }, (_, cpu): [string, string] => [
      `/sys/devices/system/cpu/cpu${cpu}/cpu_capacity`,
      `${cpu < 4 ? 250 : cpu < 7 ? 850 : 1024}\n`,
    ]);
    const told = { '/proc/cpuinfo': arm.join('\n'), ...Object.fromEntries(capacities) };
    const machine = recordedMachine({ architecture: 'arm64', files: told });
    expect(await cpuFacts(machine)).toMatchObject({ cores: 8, threads: 8, performanceCores: 4 });
  });

  it('uses information from Node.js without /proc', async () => {
    const facts = await cpuFacts(recordedMachine({ brand: 'Some CPU', usableThreads: 3 }));
    expect(facts).toMatchObject({ modelName: 'Some CPU', cores: 1, threads: 1, family: null, flags: [] });
  });

  it('reads family, model and stepping on Windows from the environment', async () => {
    const systemInformation = async () => ({
      cpu: async () => ({ vendor: 'Intel', family: '1', model: '1', stepping: '1', physicalCores: 16, cores: 24 }),
    });
    const facts = await cpuFacts(
      recordedMachine({
        platform: 'win32',
        brand: '12th Gen Intel(R) Core(TM) i9-12900K',
        env: { PROCESSOR_IDENTIFIER: 'Intel64 Family 6 Model 151 Stepping 2, GenuineIntel' },
        systemInformation: systemInformation as never,
      }),
    );
    expect(facts).toMatchObject({ vendor: 'GenuineIntel', family: 6, model: 151, stepping: 2, cores: 16, threads: 24 });
    expect(facts.flags).toEqual([]);
  });
});

describe('parseProcessorIdentifier', () => {
  it.each([
    [
      'Intel64 Family 6 Model 151 Stepping 2, GenuineIntel',
      { vendor: 'GenuineIntel', family: 6, model: 151, stepping: 2 },
    ],
    [
      'AMD64 Family 25 Model 97 Stepping 2, AuthenticAMD',
      { vendor: 'AuthenticAMD', family: 25, model: 97, stepping: 2 },
    ],
    ['ARMv8 (64-bit) Family 8 Model 1 Revision 201, Qualcomm Technologies Inc', undefined],
    ['', undefined],
  ])('reads %j', (text, expected) => expect(parseProcessorIdentifier(text)).toEqual(expected));
});
