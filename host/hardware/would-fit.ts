import { formatBytes } from '../common/format.ts';
import type { ModelShape } from '../gguf/model.ts';
import { type CacheType, canQuantizeCache } from './cache-types.ts';
import { type DemandSettings, demandOf } from './demand.ts';
import { checkFit } from './fit.ts';
import { recommendSplit } from './split.ts';
import type { HardwareSnapshot } from './types.ts';

/** Settings for LOAD_MODEL that would fit, or a description of a model that would. */
export interface Alternative {
  readonly n_gpu_layers?: number;
  readonly n_ctx?: number;
  readonly cache_type_k?: CacheType;
  readonly cache_type_v?: CacheType;
  readonly note: string;
}

/** A load that does not fit. */
export interface RejectedLoad {
  readonly shape: ModelShape;
  readonly settings: DemandSettings;
  readonly gpuLayers: number;
  readonly snapshot: HardwareSnapshot;
}

/** Minimum context length to propose, in tokens. A shorter one is insufficient for a conversation. */
const MIN_CONTEXT = 512;

/** The only quantized cache that is proposed: about half the size of F16, with little loss. */
const SMALL_CACHE = { cacheTypeK: 'q8_0', cacheTypeV: 'q8_0' } as const;

/**
 * Returns alternatives to a load that does not fit, each sufficient on its own. Those with the least impact come first:
 * fewer layers on the GPU, a quantized cache, a shorter context (with the same cache, or a longer one with a quantized
 * cache), a smaller file.
 */
export function findAlternatives(load: RejectedLoad): Alternative[] {
  const { shape, settings, gpuLayers } = load;
  const { contextSize } = settings;
  const sameContext = fittingLayers(load, settings);
  if (sameContext !== undefined) {
    const note = `${sameContext} instead of ${gpuLayers} layers on the GPU`;
    return [{ n_gpu_layers: sameContext, n_ctx: contextSize, note }];
  }
  const proposals: Alternative[] = [];
  const isPlain = settings.cacheTypeK === undefined && settings.cacheTypeV === undefined;
  const isFlash = settings.flashAttention ?? shape.flashAttention;
  const small = isPlain && isFlash && canQuantizeCache(shape) ? { ...settings, ...SMALL_CACHE } : undefined;
  const withSmall = small === undefined ? undefined : fittingLayers(load, small);
  if (withSmall !== undefined) proposals.push(smallCache(withSmall, contextSize));
  const shorter = longestContext(load, settings);
  if (shorter !== undefined) {
    const note = `a context of ${shorter.contextSize} instead of ${contextSize} tokens`;
    proposals.push({ n_gpu_layers: shorter.layers, n_ctx: shorter.contextSize, note });
  }
  if (small !== undefined && withSmall === undefined) {
    const longer = longestContext(load, small);
    if (longer !== undefined && longer.contextSize > (shorter?.contextSize ?? 0)) {
      proposals.push(smallCache(longer.layers, longer.contextSize));
    }
  }
  if (shorter === undefined) proposals.push(smallerFile(load));
  return proposals;
}

function smallCache(layers: number, contextSize: number): Alternative {
  return {
    n_gpu_layers: layers,
    n_ctx: contextSize,
    cache_type_k: SMALL_CACHE.cacheTypeK,
    cache_type_v: SMALL_CACHE.cacheTypeV,
    note: `a quantized context cache (Q8_0) with a context of ${contextSize} tokens`,
  };
}

/** Returns the number of GPU layers with which these settings fit; undefined if there is none. */
function fittingLayers({ shape, snapshot }: RejectedLoad, settings: DemandSettings): number | undefined {
  const { gpuLayers } = recommendSplit({ shape, ...settings, snapshot });
  return checkFit(demandOf(shape, settings), gpuLayers, snapshot).fits ? gpuLayers : undefined;
}

/** Returns the longest context of 512, 768, 1024, 1536, 2048, … tokens below the requested one that fits. */
function longestContext(
  load: RejectedLoad,
  settings: DemandSettings,
): { readonly contextSize: number; readonly layers: number } | undefined {
  let longest: { readonly contextSize: number; readonly layers: number } | undefined;
  for (let power = MIN_CONTEXT; power < settings.contextSize; power *= 2) {
    for (const contextSize of [power, power * 1.5]) {
      if (contextSize >= settings.contextSize) break;
      const layers = fittingLayers(load, { ...settings, contextSize });
      if (layers === undefined) return longest;
      longest = { contextSize, layers };
    }
  }
  return longest;
}

/** Proposes a smaller file: the largest size that would fit with the minimum context. */
function smallerFile({ shape, settings, snapshot }: RejectedLoad): Alternative {
  const demand = demandOf(shape, { ...settings, contextSize: Math.min(MIN_CONTEXT, settings.contextSize) });
  const { needed, available } = checkFit(demand, 0, snapshot);
  const excess = needed.ram - available.ram - available.vram;
  const largest = shape.fileBytes - excess;
  return {
    note:
      largest > 0
        ? `a smaller model, or a quantization of at most ${formatBytes(largest)} (this file: ${formatBytes(shape.fileBytes)})`
        : 'a much smaller model',
  };
}
