import { arrayOf, type GgufHeader, numberOf } from './header.ts';

/**
 * Rule that determines which layers of an architecture have a sliding window or chunked attention. Source:
 * `load_arch_hparams` of each architecture.
 */
interface WindowRule {
  /** Layers per group. The last layer of each group (or the first) attends to the whole context. 0: no layer does. */
  readonly period?: number;
  readonly denseFirst?: true;
  /** Whether an array in the header can specify which layers have a window. */
  readonly listed?: true;
  /** Window size if the header specifies none, in tokens. Default: no windows. */
  readonly defaultWindow?: number;
  /** Window size regardless of the header, unless the header specifies 0. */
  readonly fixedWindow?: number;
  /** The number of layers of the models that have windows. Default: any. */
  readonly layers?: number;
}

const RULES: Readonly<Record<string, WindowRule>> = {
  afmoe: { period: 4 },
  cohere2: { period: 4 },
  cohere2moe: { period: 4, denseFirst: true, listed: true },
  deepseek4: { period: 0 },
  dots3note: { listed: true },
  'exaone-moe': { period: 4, defaultWindow: 128 },
  exaone4: { period: 4, defaultWindow: 4096, layers: 64 },
  gemma2: { period: 2, defaultWindow: 4096 },
  gemma3: { period: 6 },
  gemma3n: { period: 5 },
  gemma4: { listed: true },
  'gpt-oss': { period: 2 },
  granite_swa: { listed: true },
  laguna: { period: 4, denseFirst: true },
  lfm2: { period: 0 },
  llama4: { period: 4, defaultWindow: 8192, fixedWindow: 8192 },
  mellum: { period: 4, listed: true },
  mimo2: { listed: true },
  'muse-glimmer': { period: 4, listed: true },
  olmo2: { period: 4 },
  plamo3: { period: 8 },
  smallthinker: { period: 4, denseFirst: true, fixedWindow: 4096 },
  step35: { listed: true },
};

/** The sliding windows of a model. */
export interface SlidingWindow {
  /** Size of the window or chunk, in tokens. */
  readonly size: number;
  /** Returns whether a layer has a window. */
  has(layer: number): boolean;
}

/** Returns the windows of a model, by llama.cpp's rules; undefined if all layers attend to the whole context. */
export function slidingWindow(header: GgufHeader, architecture: string, layers: number): SlidingWindow | undefined {
  const rule = RULES[architecture];
  if (rule === undefined || (rule.layers !== undefined && rule.layers !== layers)) return undefined;
  const stated = numberOf(header, `${architecture}.attention.sliding_window`);
  const size =
    stated === 0
      ? 0
      : rule.fixedWindow !== undefined && (stated ?? rule.defaultWindow) !== undefined
        ? rule.fixedWindow
        : (stated ?? rule.defaultWindow ?? 0);
  if (!(size > 0)) return undefined;
  const patternKey = `${architecture}.attention.sliding_window_pattern`;
  const list = arrayOf(header, patternKey)?.numbers;
  if (rule.listed === true && list !== undefined) return { size, has: (layer) => Number(list[layer] ?? 0) !== 0 };
  const period = numberOf(header, patternKey) ?? rule.period;
  if (period === undefined) return undefined;
  if (rule.period === undefined) return period === 0 ? undefined : { size, has: (layer) => layer < layers };
  const dense = rule.denseFirst === true ? 0 : period - 1;
  return { size, has: (layer) => layer < layers && (period === 0 || layer % period !== dense) };
}
