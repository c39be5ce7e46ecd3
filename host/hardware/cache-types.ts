import type { ModelShape } from '../gguf/model.ts';

/**
 * Number types llama.cpp can keep keys and values in, with the bytes of one number; the quantized ones have blocks of
 * 32. Source: `kv_cache_types` in llama.cpp's `arg.cpp`, and the block sizes of `ggml-common.h`.
 */
const BYTES_PER_NUMBER = {
  f32: 4,
  f16: 2,
  bf16: 2,
  q8_0: 34 / 32,
  q5_1: 24 / 32,
  q5_0: 22 / 32,
  q4_1: 20 / 32,
  q4_0: 18 / 32,
} as const;

/** A type of keys or values in the cache, as llama.cpp's own options name it. */
export type CacheType = keyof typeof BYTES_PER_NUMBER;

/** The types of keys and of values; absent = F16, llama.cpp's default. */
export interface CacheTypes {
  readonly cacheTypeK?: CacheType | undefined;
  readonly cacheTypeV?: CacheType | undefined;
}

/** Numbers in a block of a quantized type: a head's keys and values have to be whole blocks. */
const BLOCK = 32;

/** The cache's size with these types, as a part of what it is with F16. */
export function cachePart(
  { keyLength, valueLength }: Pick<ModelShape, 'keyLength' | 'valueLength'>,
  { cacheTypeK = 'f16', cacheTypeV = 'f16' }: CacheTypes,
): number {
  const f16 = (keyLength + valueLength) * BYTES_PER_NUMBER.f16;
  if (f16 === 0) return 1;
  return (keyLength * BYTES_PER_NUMBER[cacheTypeK] + valueLength * BYTES_PER_NUMBER[cacheTypeV]) / f16;
}

/** Whether a model's keys and values can be kept in a quantized type. */
export function canQuantizeCache({ keyLength, valueLength }: Pick<ModelShape, 'keyLength' | 'valueLength'>): boolean {
  return keyLength > 0 && keyLength % BLOCK === 0 && valueLength % BLOCK === 0;
}

/** Whether a type has blocks, so that a head's numbers have to fill them. */
export function isQuantized(type: CacheType): boolean {
  return type.startsWith('q');
}
