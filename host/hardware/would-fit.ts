import { formatBytes } from '../common/format.ts';
import type { ModelShape } from '../gguf/model.ts';
import { type CacheType, canQuantizeCache } from './cache-types.ts';
import { type DemandSettings, demandOf } from './demand.ts';
import { fitOf } from './fit.ts';
import { recommendSplit } from './split.ts';
import type { HardwareSnapshot } from './types.ts';

/** Settings of LOAD_MODEL that would fit, or in words what would. */
export interface WouldFit {
  readonly n_gpu_layers?: number;
  readonly n_ctx?: number;
  readonly cache_type_k?: CacheType;
  readonly cache_type_v?: CacheType;
  readonly note: string;
}

/** The load that does not fit. */
export interface Misfit {
  readonly shape: ModelShape;
  readonly settings: DemandSettings;
  readonly gpuLayers: number;
  readonly snapshot: HardwareSnapshot;
}

/** Smallest context worth proposing, tokens: below it a conversation forgets its own question. */
const MIN_CONTEXT = 512;

/** Half of F16, at hardly a loss: the one quantized cache worth proposing unasked. */
const SMALL_CACHE = { cacheTypeK: 'q8_0', cacheTypeV: 'q8_0' } as const;

/**
 * What would fit in place of a load that does not, each alone enough, the mildest first: fewer layers on the GPU, a
 * quantized cache, a shorter context (with the same cache, and longer with a quantized one), a smaller file.
 */
export function whatWouldFit(misfit: Misfit): WouldFit[] {
  const { shape, settings, gpuLayers } = misfit;
  const { contextSize } = settings;
  const asAsked = fitting(misfit, settings);
  if (asAsked !== undefined) {
    const note = `${asAsked} instead of ${gpuLayers} layers on the GPU`;
    return [{ n_gpu_layers: asAsked, n_ctx: contextSize, note }];
  }
  const proposals: WouldFit[] = [];
  const isPlain = settings.cacheTypeK === undefined && settings.cacheTypeV === undefined;
  const small = isPlain && canQuantizeCache(shape) ? { ...settings, ...SMALL_CACHE } : undefined;
  const withSmall = small === undefined ? undefined : fitting(misfit, small);
  if (withSmall !== undefined) proposals.push(smallCache(withSmall, contextSize));
  const shorter = longestContext(misfit, settings);
  if (shorter !== undefined) {
    const note = `a context of ${shorter.contextSize} instead of ${contextSize} tokens`;
    proposals.push({ n_gpu_layers: shorter.layers, n_ctx: shorter.contextSize, note });
  }
  if (small !== undefined && withSmall === undefined) {
    const longer = longestContext(misfit, small);
    if (longer !== undefined && longer.contextSize > (shorter?.contextSize ?? 0)) {
      proposals.push(smallCache(longer.layers, longer.contextSize));
    }
  }
  if (shorter === undefined) proposals.push(smallerFile(misfit));
  return proposals;
}

function smallCache(layers: number, contextSize: number): WouldFit {
  return {
    n_gpu_layers: layers,
    n_ctx: contextSize,
    cache_type_k: SMALL_CACHE.cacheTypeK,
    cache_type_v: SMALL_CACHE.cacheTypeV,
    note: `a quantized context cache (Q8_0) with a context of ${contextSize} tokens`,
  };
}

/** The split with which these settings fit, or undefined. */
function fitting({ shape, snapshot }: Misfit, settings: DemandSettings): number | undefined {
  const { gpuLayers } = recommendSplit({ shape, ...settings, snapshot });
  return fitOf(demandOf(shape, settings), gpuLayers, snapshot).fits ? gpuLayers : undefined;
}

/** The longest of the contexts 512, 768, 1024, 1536, 2048, … below the one asked for that fits. */
function longestContext(
  misfit: Misfit,
  settings: DemandSettings,
): { readonly contextSize: number; readonly layers: number } | undefined {
  let longest: { readonly contextSize: number; readonly layers: number } | undefined;
  for (let power = MIN_CONTEXT; power < settings.contextSize; power *= 2) {
    for (const contextSize of [power, power * 1.5]) {
      if (contextSize >= settings.contextSize) break;
      const layers = fitting(misfit, { ...settings, contextSize });
      if (layers === undefined) return longest;
      longest = { contextSize, layers };
    }
  }
  return longest;
}

/** The largest file of which the smallest context would fit, other things being as they are. */
function smallerFile({ shape, settings, snapshot }: Misfit): WouldFit {
  const demand = demandOf(shape, { ...settings, contextSize: Math.min(MIN_CONTEXT, settings.contextSize) });
  const { needed, available } = fitOf(demand, 0, snapshot);
  const over = needed.ram - available.ram - available.vram;
  const largest = shape.fileBytes - over;
  return {
    note:
      largest > 0
        ? `a smaller model, or a quantization of this one of at most ${formatBytes(largest)} (this one has ${formatBytes(shape.fileBytes)})`
        : 'a much smaller model',
  };
}
