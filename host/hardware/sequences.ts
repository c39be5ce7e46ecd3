import type { ModelShape } from '../gguf/model.ts';
import { type DemandSettings, demandOf } from './demand.ts';
import { checkFit } from './fit.ts';
import type { HardwareSnapshot } from './types.ts';

/**
 * Possible numbers of sequences, largest first. One user and a program or two seldom send more requests at once.
 */
const CHOICES = [4, 2] as const;

/** Maximum fraction of the available memory that a model with several sequences may use. */
const MAX_SHARE = 0.5;

/**
 * Chooses the number of generations that can run at the same time. Each needs its own memory for keys and values, so
 * it is 1 if memory is scarce.
 */
export function chooseSequences(
  shape: ModelShape,
  settings: Omit<DemandSettings, 'sequences'>,
  { gpuLayers, snapshot }: { readonly gpuLayers: number; readonly snapshot: HardwareSnapshot },
): number {
  const fitting = CHOICES.find((sequences) => {
    const { fits, needed, available } = checkFit(demandOf(shape, { ...settings, sequences }), gpuLayers, snapshot);
    return fits && needed.ram <= MAX_SHARE * available.ram && needed.vram <= MAX_SHARE * available.vram;
  });
  return fitting ?? 1;
}
