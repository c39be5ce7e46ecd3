import { sum } from '../common/sum.ts';
import type { ModelShape } from '../gguf/model.ts';

/** How fast this computer reads weights while it generates, bytes per second. */
export interface WeightSpeed {
  /** Weights of 16 or 32 bits, which wait for the memory. */
  readonly plain: number;
  /** Weights in Q4_0, which also need arithmetic. */
  readonly quantized: number;
  /** Weights on the GPU; undefined where there is none, or it was not measured. */
  readonly gpu?: number | undefined;
}

/**
 * Speed of quantizations relative to Q4_0, measured with llama.cpp on Zen 4 with one thread (bytes per second of CPU
 * time, models of 160 to 240 MiB): Q4_0 11.8, Q4_K 13.7, Q6_K 12.6, Q8_0 16.0, F16 20.5 GB. Those with codebooks take
 * more arithmetic per byte.
 */
const RELATIVE_SPEED: readonly (readonly [quantization: RegExp, factor: number])[] = [
  [/^Q8_/, 1.36],
  [/^(Q4|Q5)_K/, 1.16],
  [/^(Q6_K|Q4_|Q5_|MXFP4|NVFP4)/, 1.05],
  [/^(Q2_K|Q3_K|TQ)/, 0.8],
  [/^IQ/, 0.6],
];

const PLAIN = /^(F32|F16|BF16)$/;

/** Returns the weights that are read for a token, in bytes: of experts, those that are used. */
export function bytesPerToken({ usedLayerBytes, outputBytes, inputBytes }: ModelShape): number {
  return sum(usedLayerBytes) + outputWeights({ outputBytes, inputBytes });
}

/** Tied embeddings are the output matrix, too. */
function outputWeights({ outputBytes, inputBytes }: Pick<ModelShape, 'outputBytes' | 'inputBytes'>): number {
  return Math.max(outputBytes, inputBytes > 16 * outputBytes ? inputBytes : 0);
}

/** Returns how fast the CPU reads weights of a quantization, bytes per second. */
export function cpuSpeed(quantization: string, { plain, quantized }: WeightSpeed): number {
  if (PLAIN.test(quantization)) return plain;
  const factor = RELATIVE_SPEED.find(([pattern]) => pattern.test(quantization))?.[1] ?? 1;
  return Math.min(plain, quantized * factor);
}

/** What determines the speed of a model, with some of its layers on the GPU. */
export interface TokenWork {
  readonly quantization: string;
  /** Weights that are read for a token, in bytes. */
  readonly bytes: number;
  /** The part of them on the GPU, 0 to 1. */
  readonly gpuShare: number;
}

/** Estimates the tokens per second; undefined for a part on a GPU that was not measured. */
export function tokensPerSecond({ quantization, bytes, gpuShare }: TokenWork, speed: WeightSpeed): number | undefined {
  if (gpuShare > 0 && speed.gpu === undefined) return undefined;
  const seconds =
    (bytes * (1 - gpuShare)) / cpuSpeed(quantization, speed) +
    (gpuShare > 0 ? (bytes * gpuShare) / (speed.gpu ?? Number.NaN) : 0);
  return seconds > 0 ? 1 / seconds : undefined;
}

/** `A3B` in `Qwen3-30B-A3B`: billions of parameters that a token uses, after those of the whole model. */
const ACTIVE_PARAMETERS = /(?:^|[-_ ])(\d+(?:\.\d+)?)B[-_ ]A(\d+(?:\.\d+)?)B(?:[-_. ]|$)/i;

/** Returns the share of a model's weights that a token uses, as its name tells; 1 if it tells nothing. */
export function usedShareByName(name: string): number {
  const [, whole = '', used = ''] = ACTIVE_PARAMETERS.exec(name) ?? [];
  const share = Number(used) / Number(whole);
  return share > 0 && share < 1 ? share : 1;
}
