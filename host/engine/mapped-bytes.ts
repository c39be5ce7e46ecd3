import { sum } from '../common/sum.ts';
import type { LoadRequest } from './types.ts';

/** Weights in main memory that are read from the model's files where they lie, bytes; 0 where they were copied. */
export function mappedBytes({ model: { shape }, settings }: LoadRequest, gpuLayers: number): number {
  // mlock keeps the mapped pages out of what Linux counts as available.
  if (settings.useMmap === false || settings.useMlock === true) return 0;
  const { layerBytes, inputBytes, outputBytes } = shape;
  const onCpu = sum(layerBytes.slice(0, Math.max(0, layerBytes.length - gpuLayers)));
  return inputBytes + onCpu + (gpuLayers > layerBytes.length ? 0 : outputBytes);
}
