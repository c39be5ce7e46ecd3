import type { Logger } from '../common/log.ts';
import { withTimeout } from '../common/with-timeout.ts';
import { drmGpus } from './drm-gpus.ts';
import type { FoundGpu } from './found-gpu.ts';
import { macGpus } from './mac-gpus.ts';
import type { Machine } from './machine.ts';
import { NVIDIA_QUERY, parseNvidiaSmi } from './nvidia-smi.ts';
import { DISPLAY_ADAPTERS_QUERY, parseDisplayAdapters } from './windows-gpus.ts';

/** How long macOS's system_profiler may take, milliseconds; it needs one or two seconds. */
const PROFILER_TIMEOUT_MS = 10_000;

/**
 * The GPUs of the machine, those with memory of their own first, the largest of them first. A probe that fails or takes
 * too long is logged and counts for nothing: a machine whose driver is broken still runs models on its CPU.
 *
 * systeminformation is asked only on macOS: elsewhere it waits for nvidia-smi without a time limit, and the whole
 * program with it.
 */
export async function findGpus(machine: Machine, log: Logger): Promise<FoundGpu[]> {
  const found = await Promise.all(
    probesFor(machine).map(async ([name, probe]) => {
      try {
        return await probe();
      } catch (error) {
        log.warn('hardware.gpu_probe_failed', { probe: name, error });
        return [];
      }
    }),
  );
  const [nvidia = [], ...others] = found;
  // nvidia-smi tells more of Nvidia's GPUs than the other probes do.
  const all = [...nvidia, ...others.flat().filter(({ vendor }) => nvidia.length === 0 || vendor !== 'nvidia')];
  return all.sort((a, b) => (b.totalVram ?? 0) - (a.totalVram ?? 0));
}

type Probe = readonly [name: string, probe: () => Promise<FoundGpu[]>];

/** The ways to ask, on this kind of machine; nvidia-smi's stands first. */
function probesFor(machine: Machine): Probe[] {
  const nvidia: Probe = [
    'nvidia-smi',
    async () => parseNvidiaSmi((await machine.run('nvidia-smi', NVIDIA_QUERY)) ?? ''),
  ];
  switch (machine.platform) {
    case 'linux':
      return [nvidia, ['drm', () => drmGpus(machine)]];
    case 'win32':
      return [
        nvidia,
        ['registry', async () => parseDisplayAdapters((await machine.run('reg', DISPLAY_ADAPTERS_QUERY)) ?? '')],
      ];
    case 'darwin':
      return [
        ['nvidia-smi', async () => []],
        [
          'system_profiler',
          async () => {
            const { graphics } = await machine.systemInformation();
            return macGpus((await withTimeout(graphics(), PROFILER_TIMEOUT_MS, 'system_profiler')).controllers);
          },
        ],
      ];
    default:
      return [nvidia];
  }
}
