import { sum } from '../common/sum.ts';
import type { ModelShape } from '../gguf/model.ts';

/** Rate at which this computer reads weights during generation, in bytes per second. */
export interface WeightSpeed {
  /** Weights of 16 or 32 bits, limited by memory bandwidth. */
  readonly plain: number;
  /** Weights in Q4_0, which must also be dequantized. */
  readonly quantized: number;
  /** Weights on the GPU; undefined if there is none or it was not measured. */
  readonly gpu?: number | undefined;
}

/**
 * Time per token and layer in addition to reading the weights, in seconds: small operations and thread barriers.
 * Measured with llama.cpp on Zen 4 with models of 16 to 180 layers.
 */
const LAYER_SECONDS = 30e-6;

/**
 * Speed of quantizations relative to Q4_0, in bytes per second, measured with llama.cpp on Zen 4 with one thread: Q4_K
 * 0.92 to 1.16, Q5_K 0.81, Q5_0 0.66, Q6_K 1.07 to 1.17, Q8_0 1.17 to 1.36, Q2_K 0.62, Q3_K 0.55, IQ4_NL 0.94, IQ4_XS
 * 0.63. Types with codebooks need more arithmetic per byte.
 */
const RELATIVE_SPEED: readonly (readonly [quantization: RegExp, factor: number])[] = [
  [/^Q8_/, 1.2],
  [/^Q6_K/, 1.1],
  [/^Q5_K/, 0.8],
  [/^Q5_/, 0.7],
  [/^(Q2_K|Q3_K|IQ[123])/, 0.6],
  [/^IQ4_XS/, 0.65],
];

const PLAIN = /^(F32|F16|BF16)$/;

/** Returns the size of the weights that are read for a token, in bytes. Of the experts, only the used ones count. */
export function bytesPerToken({ usedLayerBytes, outputBytes, inputBytes }: ModelShape): number {
  return sum(usedLayerBytes) + outputWeights({ outputBytes, inputBytes });
}

/** Returns the work per token of a model with this fraction of its layers on the GPU. */
export function workOf(shape: ModelShape, gpuShare: number): TokenWork {
  const hasExperts = (layer: number) => (shape.usedLayerBytes[layer] ?? 0) < (shape.layerBytes[layer] ?? 0);
  return {
    quantization: shape.quantization,
    bytes: bytesPerToken(shape),
    gpuShare,
    layers: sum(shape.layerBytes.map((_, layer) => (hasExperts(layer) ? 2 : 1))),
  };
}

/** Returns the size of the output weights. Tied embeddings are used as the output matrix. */
function outputWeights({ outputBytes, inputBytes }: Pick<ModelShape, 'outputBytes' | 'inputBytes'>): number {
  return Math.max(outputBytes, inputBytes > 16 * outputBytes ? inputBytes : 0);
}

/** Returns the rate at which the CPU reads weights of a quantization, in bytes per second. */
export function cpuSpeed(quantization: string, { plain, quantized }: WeightSpeed): number {
  if (PLAIN.test(quantization)) return plain;
  const factor = RELATIVE_SPEED.find(([pattern]) => pattern.test(quantization))?.[1] ?? 1;
  return Math.min(plain, quantized * factor);
}

/** The properties of a model that determine its speed. */
export interface TokenWork {
  readonly quantization: string;
  /** Size of the weights that are read for a token, in bytes. */
  readonly bytes: number;
  /** The fraction of the weights on the GPU, 0 to 1. */
  readonly gpuShare: number;
  /** Number of layers. Those with experts count twice: they have about twice as many operations. */
  readonly layers: number;
}

/** Estimates the tokens per second; undefined if weights are on a GPU that was not measured. */
export function tokensPerSecond(
  { quantization, bytes, gpuShare, layers }: TokenWork,
  speed: WeightSpeed,
): number | undefined {
  if (gpuShare > 0 && speed.gpu === undefined) return undefined;
  const seconds =
    (bytes * (1 - gpuShare)) / cpuSpeed(quantization, speed) +
    (gpuShare > 0 ? (bytes * gpuShare) / (speed.gpu ?? Number.NaN) : 0) +
    layers * LAYER_SECONDS;
  return seconds > 0 ? 1 / seconds : undefined;
}

/** Matches the total and active parameters, in billions, in names such as `Qwen3-30B-A3B`. */
const ACTIVE_PARAMETERS = /(?:^|[-_ ])(\d+(?:\.\d+)?)B[-_ ]A(\d+(?:\.\d+)?)B(?:[-_. ]|$)/i;

/**
 * Returns the fraction of a model's weights that a token uses, according to its name; 1 if the name does not contain
 * it.
 */
export function usedShareByName(name: string): number {
  const [, whole = '', used = ''] = ACTIVE_PARAMETERS.exec(name) ?? [];
  const share = Number(used) / Number(whole);
  return share > 0 && share < 1 ? share : 1;
}
