import type { FoundGpu } from './found-gpu.ts';

/** What nvidia-smi is asked, in the order its answer has. */
export const NVIDIA_QUERY = [
  '--query-gpu=name,memory.total,memory.free,driver_version',
  '--format=csv,noheader,nounits',
];

const MiB = 1024 * 1024;

/**
 * Reads nvidia-smi's answer, one line a GPU, memory in MiB. A GPU whose memory is not a number shares the machine's
 * (Grace-based GB10, Jetson); a line of another form (an error message on stdout) is no GPU.
 */
export function parseNvidiaSmi(text: string): FoundGpu[] {
  return text.split('\n').flatMap((line): FoundGpu[] => {
    const fields = line.split(',').map((field) => field.trim());
    const [name, total, free, driver] = fields;
    if (fields.length !== 4 || !name || total === undefined || free === undefined || !driver) return [];
    const shared = /N\/A|Not Supported/i.test(total);
    if (!shared && !(Number(total) > 0)) return [];
    const totalVram = shared ? null : Number(total) * MiB;
    const availableVram = totalVram === null ? null : Number.isFinite(Number(free)) ? Number(free) * MiB : totalVram;
    return [{ name, vendor: 'nvidia', totalVram, availableVram, sharedMemory: shared, driver }];
  });
}
