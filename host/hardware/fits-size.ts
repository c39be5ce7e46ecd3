import { recommendSplit } from './split.ts';
import type { HardwareSnapshot } from './types.ts';

/** Layers of a model of which only the size is known: true of most 7B and 8B models. More cut it no finer. */
const LAYERS = 32;

/** Says whether a model of which only the size is known can be loaded here now, in whatever split. */
export function fitsSize(modelSize: number, snapshot: HardwareSnapshot): boolean {
  return recommendSplit({ modelSize, totalLayers: LAYERS, snapshot }).fits;
}
