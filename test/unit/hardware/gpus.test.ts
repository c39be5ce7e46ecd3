import { describe, expect, it } from '@jest/globals';
import { resolveGpuMemory } from '../../../host/hardware/found-gpu.ts';
import { detectGpus } from '../../../host/hardware/gpus.ts';
import { Hardware } from '../../../host/hardware/hardware.ts';
import { RecordedLog } from '../../support/recorded-log.ts';
import { type Recording, recordedMachine } from '../../support/snapshots/machine.ts';

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;
const CARD0 = '/sys/class/drm/card0/device';

async function found(recording: Recording) {
  const log = new RecordedLog();
  const gpus = await detectGpus(recordedMachine(recording), log);
  return { gpus, log };
}

/** A card on Linux with the files of its driver. */
function drmCard(files: Record<string, string>, lspci = ''): Recording {
  return {
    folders: { '/sys/class/drm': ['card0', 'card0-DP-1', 'renderD128', 'version'] },
    files: Object.fromEntries(Object.entries(files).map(([name, text]) => [`${CARD0}/${name}`, text])),
    programs: { lspci },
  };
}

describe("Nvidia's GPUs", () => {
  it('reads total and free memory of an RTX 4090 from nvidia-smi', async () => {
    const { gpus } = await found({ programs: { 'nvidia-smi': 'NVIDIA GeForce RTX 4090, 24564, 23012, 550.54.14\n' } });
    expect(gpus).toEqual([
      {
        name: 'NVIDIA GeForce RTX 4090',
        vendor: 'nvidia',
        totalVram: 24_564 * MiB,
        availableVram: 23_012 * MiB,
        sharedMemory: false,
        driver: '550.54.14',
      },
    ]);
  });

  it('lists the larger of two GPUs first', async () => {
    const { gpus } = await found({
      programs: {
        'nvidia-smi': 'NVIDIA GeForce GTX 1060 6GB, 6144, 6000, 550\r\nNVIDIA RTX A6000, 49140, 48000, 550\r\n',
      },
    });
    expect(gpus.map(({ name }) => name)).toEqual(['NVIDIA RTX A6000', 'NVIDIA GeForce GTX 1060 6GB']);
  });

  it('reports no memory size for one that shares the main memory', async () => {
    const { gpus } = await found({ programs: { 'nvidia-smi': 'NVIDIA GB10, [N/A], [N/A], 580.95\n' } });
    expect(gpus).toMatchObject([{ name: 'NVIDIA GB10', totalVram: null, availableVram: null, sharedMemory: true }]);
    expect(resolveGpuMemory(gpus, { total: 128 * GiB, available: 100 * GiB })).toMatchObject([
      { totalVram: 128 * GiB, availableVram: 100 * GiB },
    ]);
  });

  it.each([
    ['an error on stdout', "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n"],
    ['no devices', 'No devices were found\n'],
    ['a line with fields missing', 'NVIDIA GeForce RTX 4090, 24564\n'],
    ['nothing', ''],
    ['an invalid size', 'NVIDIA GeForce RTX 4090, many, 1, 550\n'],
    ['a size of zero', 'NVIDIA GeForce RTX 4090, 0, 0, 550\n'],
  ])('%s means that there is no GPU', async (_what, text) => {
    expect((await found({ programs: { 'nvidia-smi': text } })).gpus).toEqual([]);
  });

  it('logs a failed probe and uses the others', async () => {
    const { gpus, log } = await found({
      ...drmCard({ vendor: '0x8086\n', device: '0x9a49\n', uevent: 'DRIVER=i915\nPCI_SLOT_NAME=0000:00:02.0\n' }),
      programs: { 'nvidia-smi': new Error('nvidia-smi gave no answer in 10000 ms') },
    });
    expect(gpus).toHaveLength(1);
    expect(log.lines).toEqual([
      expect.objectContaining({ level: 'warn', fields: expect.objectContaining({ probe: 'nvidia-smi' }) }),
    ]);
  });
});

describe('AMD and Intel GPUs on Linux', () => {
  it('reads the memory of an RX 7900 XTX from amdgpu and its name from lspci', async () => {
    const { gpus } = await found(
      drmCard(
        {
          vendor: '0x1002\n',
          device: '0x744c\n',
          uevent: 'DRIVER=amdgpu\nPCI_CLASS=30000\nPCI_SLOT_NAME=0000:03:00.0\n',
          mem_info_vram_total: `${24 * GiB}\n`,
          mem_info_vram_used: `${2 * GiB}\n`,
          mem_busy_percent: '0\n',
        },
        '0000:03:00.0 "VGA compatible controller" "Advanced Micro Devices, Inc. [AMD/ATI]" "Navi 31 [Radeon RX 7900 XTX]" -rc8 "Sapphire" "Device"\n',
      ),
    );
    expect(gpus).toEqual([
      {
        name: 'AMD Radeon RX 7900 XTX',
        vendor: 'amd',
        totalVram: 24 * GiB,
        availableVram: 22 * GiB,
        sharedMemory: false,
        driver: 'amdgpu',
      },
    ]);
  });

  it('treats the graphics of a Ryzen as shared memory despite its reported VRAM', async () => {
    const { gpus } = await found(
      drmCard({
        vendor: '0x1002\n',
        device: '0x1681\n',
        mem_info_vram_total: `${512 * MiB}\n`,
        uevent: 'DRIVER=amdgpu\n',
      }),
    );
    expect(gpus).toMatchObject([{ vendor: 'amd', totalVram: null, sharedMemory: true }]);
    expect(resolveGpuMemory(gpus, { total: 32 * GiB, available: 10 * GiB })).toMatchObject([
      { totalVram: 16 * GiB, availableVram: 10 * GiB },
    ]);
  });

  it('treats the graphics of an Intel CPU as shared memory', async () => {
    const { gpus } = await found(
      drmCard({
        vendor: '0x8086\n',
        device: '0x3e98\n',
        uevent: 'DRIVER=i915\nPCI_SLOT_NAME=0000:00:02.0\n',
        resource: '0x0000004000000000 0x000000400fffffff 0x0000000000140204\n',
      }),
    );
    expect(gpus).toEqual([
      {
        name: 'Intel graphics 0x3e98',
        vendor: 'intel',
        totalVram: null,
        availableVram: null,
        sharedMemory: true,
        driver: 'i915',
      },
    ]);
  });

  it('reads the memory of an Arc card from its largest region', async () => {
    const { gpus } = await found(
      drmCard({
        vendor: '0x8086\n',
        device: '0x56a0\n',
        uevent: 'DRIVER=xe\nPCI_SLOT_NAME=0000:03:00.0\n',
        resource:
          '0x00000000fb000000 0x00000000fbffffff 0x0000000000140204\n0x0000006000000000 0x00000063ffffffff 0x000000000014220c\n0x0000000000000000 0x0000000000000000 0x0\n',
      }),
    );
    expect(gpus).toMatchObject([{ totalVram: 16 * GiB, availableVram: 16 * GiB, sharedMemory: false }]);
  });

  it.each([
    ['Cirrus', '0x1013'],
    ['QXL', '0x1b36'],
    ['virtio', '0x1af4'],
    ['ASPEED', '0x1a03'],
    ['Matrox', '0x102b'],
    ['VMware', '0x15ad'],
    ['Bochs', '0x1234'],
    ['Hyper-V', '0x1414'],
    ['Nvidia, which nvidia-smi lists', '0x10de'],
  ])('ignores a display adapter of %s', async (_what, vendor) => {
    const { gpus, log } = await found(drmCard({ vendor: `${vendor}\n`, device: '0x0001\n' }));
    expect(gpus).toEqual([]);
    expect(log.lines).toEqual([]);
  });

  it('ignores cards with missing or invalid files', async () => {
    expect((await found(drmCard({}))).gpus).toEqual([]);
    expect((await found({})).gpus).toEqual([]);
    const { gpus } = await found(drmCard({ vendor: '0x1002\n', mem_info_vram_total: 'lots\n', mem_busy_percent: '?' }));
    expect(gpus).toMatchObject([{ totalVram: null, sharedMemory: true }]);
  });
});

const WINDOWS_KEY =
  'HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Class\\{4d36e968-e325-11ce-bfc1-08002be10318}';

/** A display adapter in the output of `reg query`. */
function adapter(number: number, values: Record<string, string>): string {
  const lines = Object.entries(values).map(([name, value]) => `    ${name}    REG_SZ    ${value}`);
  return [`${WINDOWS_KEY}\\000${number}`, ...lines, ''].join('\r\n');
}

describe('GPUs on Windows', () => {
  const windows = (...sections: string[]) =>
    found({ platform: 'win32', programs: { reg: `\r\n${sections.join('\r\n')}` } });

  it('reads the memory of an RX 7900 XTX in 64 bits from the registry', async () => {
    const { gpus } = await windows(
      adapter(0, {
        DriverDesc: 'AMD Radeon RX 7900 XTX',
        MatchingDeviceId: 'PCI\\VEN_1002&DEV_744C',
        'HardwareInformation.qwMemorySize': '0x5ff000000',
        DriverVersion: '32.0.12033.1030',
      }),
    );
    expect(gpus).toEqual([
      {
        name: 'AMD Radeon RX 7900 XTX',
        vendor: 'amd',
        totalVram: 0x5ff000000,
        availableVram: 0x5ff000000,
        sharedMemory: false,
        driver: '32.0.12033.1030',
      },
    ]);
  });

  it('treats Intel UHD as shared memory, counts duplicate adapters once, and ignores virtual ones', async () => {
    const uhd = { DriverDesc: 'Intel(R) UHD Graphics 630', MatchingDeviceId: 'PCI\\VEN_8086&DEV_3E92' };
    const { gpus } = await windows(
      adapter(0, uhd),
      adapter(1, uhd),
      adapter(2, { DriverDesc: 'Microsoft Basic Display Adapter', MatchingDeviceId: 'ROOT\\BasicDisplay' }),
      adapter(3, { DriverDesc: 'VMware SVGA 3D', MatchingDeviceId: 'PCI\\VEN_15AD&DEV_0405' }),
      adapter(4, { MatchingDeviceId: 'PCI\\VEN_1002&DEV_744C' }),
    );
    expect(gpus).toMatchObject([
      { name: 'Intel(R) UHD Graphics 630', vendor: 'intel', sharedMemory: true, totalVram: null },
    ]);
  });

  it('counts Nvidia GPUs once, as reported by nvidia-smi', async () => {
    const { gpus } = await found({
      platform: 'win32',
      programs: {
        'nvidia-smi': 'NVIDIA GeForce RTX 4070, 12282, 11000, 551\r\n',
        reg: adapter(0, {
          DriverDesc: 'NVIDIA GeForce RTX 4070',
          MatchingDeviceId: 'PCI\\VEN_10DE&DEV_2786',
          'HardwareInformation.qwMemorySize': '0x2ffa00000',
        }),
      },
    });
    expect(gpus).toMatchObject([{ name: 'NVIDIA GeForce RTX 4070', availableVram: 11_000 * MiB }]);
  });
});

describe('GPUs in Macs', () => {
  const mac = (...controllers: object[]) =>
    found({
      platform: 'darwin',
      architecture: 'arm64',
      systemInformation: (async () => ({ graphics: async () => ({ controllers, displays: [] }) })) as never,
    });

  it('assigns the GPU of an M2 two thirds of a small memory and three quarters of a large one', async () => {
    const { gpus } = await mac({ vendor: 'Apple', model: 'Apple M2', bus: 'Built-In', vram: null, vramDynamic: true });
    expect(gpus).toMatchObject([{ name: 'Apple M2', vendor: 'apple', totalVram: null, sharedMemory: true }]);
    const sized = (total: number) => resolveGpuMemory(gpus, { total, available: total })[0]?.totalVram;
    expect(sized(16 * GiB)).toBe(Math.floor((16 * GiB * 2) / 3));
    expect(sized(64 * GiB)).toBe(48 * GiB);
  });

  it('reports the memory of a Radeon, and ignores virtual adapters', async () => {
    const { gpus } = await mac(
      { vendor: 'Intel', model: 'Intel UHD Graphics 630', bus: 'Built-In', vram: 1536, vramDynamic: true },
      { vendor: 'AMD', model: 'AMD Radeon Pro 5500M', bus: 'PCIe', vram: 8192, vramDynamic: false },
      { vendor: 'Apple', model: 'Apple Paravirtual device', bus: 'Built-In', vram: null, vramDynamic: false },
    );
    expect(gpus.map(({ vendor, totalVram }) => [vendor, totalVram])).toEqual([
      ['amd', 8 * GiB],
      ['intel', null],
    ]);
  });
});

describe('Hardware', () => {
  it('detects the CPU once, GPUs one call at a time, and memory every time', async () => {
    let read = 0;
    const machine = recordedMachine({ programs: { 'nvidia-smi': 'NVIDIA RTX A6000, 49140, 48000, 550\n' } });
    const files: Record<string, string> = { '/proc/cpuinfo': 'processor\t: 0\nflags\t\t: sse4_2\n' };
    const hardware = new Hardware({
      log: new RecordedLog(),
      env: {},
      machine: {
        ...machine,
        readText: async (path) => {
          if (path === '/proc/cpuinfo') read++;
          return path === '/proc/meminfo' ? `MemTotal: 64 kB\nMemAvailable: ${read} kB\n` : files[path];
        },
      },
    });
    const [one, two] = await Promise.all([hardware.snapshot(), hardware.snapshot(), hardware.gpus(), hardware.cpu()]);
    expect(read).toBe(1);
    expect(machine.ran.filter((program) => program === 'nvidia-smi')).toHaveLength(1);
    expect(one.cpu).toMatchObject({ variant: 'sse42', microarchitecture: null });
    expect(two.gpus).toMatchObject([{ name: 'NVIDIA RTX A6000' }]);
    read = 40;
    expect(await hardware.memory()).toEqual({ total: 64 * 1024, available: 40 * 1024 });
  });

  it('detects this machine', async () => {
    const { cpu, memory, gpus } = await new Hardware({ log: new RecordedLog(), env: process.env }).snapshot();
    expect(cpu.platform).toBe(process.platform);
    expect(cpu.cores).toBeGreaterThanOrEqual(1);
    expect(cpu.threads).toBeGreaterThanOrEqual(cpu.cores);
    expect(memory.total).toBeGreaterThan(memory.available);
    for (const gpu of gpus) expect(gpu.availableVram).toBeLessThanOrEqual(gpu.totalVram);
  });
});
