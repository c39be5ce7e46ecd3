import type { PayloadOf } from '../../host/protocol/messages.ts';

type Split = PayloadOf<'RECOMMEND_SPLIT'>;
type Machine = PayloadOf<'GET_SYSTEM_RESOURCES'>;

/** Memory that a load needs, bytes. */
export interface Demand {
  readonly ram: number;
  readonly vram: number;
}

/**
 * Returns what a load needs with another number of layers on the GPU than the host recommends. The host estimates both
 * sides for its own split; each moved layer moves an even share.
 */
export function demandOf(split: Split, gpuLayers: number): Demand {
  const total = split.gpu_layers + split.cpu_layers;
  const moved = gpuLayers - split.gpu_layers;
  if (moved === 0 || total === 0) return { ram: split.estimated_ram, vram: split.estimated_vram };
  const perLayer =
    moved > 0
      ? split.estimated_ram / Math.max(1, split.cpu_layers)
      : split.estimated_vram / Math.max(1, split.gpu_layers);
  return {
    ram: Math.max(0, Math.round(split.estimated_ram - moved * perLayer)),
    vram: Math.max(0, Math.round(split.estimated_vram + moved * perLayer)),
  };
}

/** Returns which memory is too small for a demand; undefined if it fits. */
export function shortageOf(demand: Demand, machine: Machine): 'ram' | 'vram' | undefined {
  if (demand.vram > (machine.gpu?.available_vram ?? 0) && demand.vram > 0) return 'vram';
  return demand.ram > machine.available_ram ? 'ram' : undefined;
}

/** Context lengths to choose from, tokens: powers of two, as models are trained with. */
export const CONTEXT_SIZES: readonly number[] = [2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072];

/** How a model fits this computer: `tight` would fit if other programs used less memory. */
export type Fit = 'gpu' | 'memory' | 'tight' | 'no';

/** Memory of a load compared to the size of the file: the weights, a short context and buffers. */
const LOAD_FACTOR = 1.2;

/** Returns how a model of a size fits; undefined if the size or the computer is not known. The dialog has the exact figures. */
export function fitOf(size: number, machine: Machine | undefined): Fit | undefined {
  if (size === 0 || machine === undefined) return undefined;
  const needed = size * LOAD_FACTOR;
  if (machine.gpu !== null && needed <= machine.gpu.available_vram) return 'gpu';
  if (needed <= machine.available_ram) return 'memory';
  return needed <= machine.total_ram ? 'tight' : 'no';
}
