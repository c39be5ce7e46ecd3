import { recommendSplit } from './split.ts';
import type { HardwareSnapshot } from './types.ts';

/** Assumed number of layers: that of most 7B and 8B models. */
const LAYERS = 32;

/** Whether a model of which only the size is known can be loaded now, with any split. */
export function fitsSize(modelSize: number, snapshot: HardwareSnapshot): boolean {
  return recommendSplit({ modelSize, totalLayers: LAYERS, snapshot }).fits;
}
