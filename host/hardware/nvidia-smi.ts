import type { DetectedGpu } from './found-gpu.ts';

/** Arguments for nvidia-smi. Its output contains the fields in this order. */
export const NVIDIA_QUERY = [
  '--query-gpu=name,memory.total,memory.free,driver_version',
  '--format=csv,noheader,nounits',
];

const MiB = 1024 * 1024;

/**
 * Parses the output of nvidia-smi: one line per GPU, memory in MiB. A GPU without a number for its memory shares the
 * main memory (Grace-based GB10, Jetson). Skips other lines, such as error messages.
 */
export function parseNvidiaSmi(text: string): DetectedGpu[] {
  return text.split('\n').flatMap((line): DetectedGpu[] => {
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
