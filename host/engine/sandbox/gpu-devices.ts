import { readdirSync } from 'node:fs';

/** Device files that GPU drivers need: NVIDIA (also Jetson's), Mesa and AMD, ROCm, Windows' subsystem for Linux, Mali. */
const GPU_DEVICES = /^(nvidia.*|nvhost.*|nvmap|dri|kfd|dxg|mali\d*)$/;

/** Returns the device files of GPUs. */
export function gpuDevices(folder = '/dev'): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => GPU_DEVICES.test(name))
      .sort()
      .map((name) => `${folder}/${name}`);
  } catch {
    return [];
  }
}
