import type { Logger } from '../common/log.ts';
import { withTimeout } from '../common/with-timeout.ts';
import { drmGpus } from './drm-gpus.ts';
import type { DetectedGpu } from './found-gpu.ts';
import { macGpus } from './mac-gpus.ts';
import type { Machine } from './machine.ts';
import { NVIDIA_QUERY, parseNvidiaSmi } from './nvidia-smi.ts';
import { DISPLAY_ADAPTERS_QUERY, parseDisplayAdapters } from './windows-gpus.ts';

/** Time limit for macOS's system_profiler, in milliseconds; it takes one or two seconds. */
const PROFILER_TIMEOUT_MS = 10_000;

/**
 * Detects the GPUs, sorted by the size of their dedicated memory, largest first. A probe that fails or takes too long
 * is logged and ignored: models can still run on the CPU if a driver is broken.
 *
 * systeminformation is used on macOS only: on other systems it runs nvidia-smi synchronously without a time limit.
 */
export async function detectGpus(machine: Machine, log: Logger): Promise<DetectedGpu[]> {
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
  // nvidia-smi reports more information about Nvidia GPUs than the other probes.
  const all = [...nvidia, ...others.flat().filter(({ vendor }) => nvidia.length === 0 || vendor !== 'nvidia')];
  return all.sort((a, b) => (b.totalVram ?? 0) - (a.totalVram ?? 0));
}

type Probe = readonly [name: string, probe: () => Promise<DetectedGpu[]>];

/** Returns the probes for this platform, nvidia-smi first. */
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
