import type { ModelShape } from '../gguf/model.ts';

/**
 * Types in which llama.cpp can store keys and values, with their bytes per element. Quantized types have blocks of 32
 * elements. Source: `kv_cache_types` in llama.cpp's `arg.cpp`, and the block sizes in `ggml-common.h`.
 */
const BYTES_PER_ELEMENT = {
  f32: 4,
  f16: 2,
  bf16: 2,
  q8_0: 34 / 32,
  q5_1: 24 / 32,
  q5_0: 22 / 32,
  q4_1: 20 / 32,
  q4_0: 18 / 32,
} as const;

/** The type of keys or values in the KV cache, as named by llama.cpp. */
export type CacheType = keyof typeof BYTES_PER_ELEMENT;

/** The types of keys and of values. Default: F16, as in llama.cpp. */
export interface CacheTypes {
  readonly cacheTypeK?: CacheType | undefined;
  readonly cacheTypeV?: CacheType | undefined;
}

/** Elements per block of a quantized type: a head's keys and values must consist of whole blocks. */
const BLOCK_ELEMENTS = 32;

/** Returns the size of a token's keys and values with these types, in bytes. */
export function cacheBytes(
  { keys, values }: { readonly keys: number; readonly values: number },
  { cacheTypeK = 'f16', cacheTypeV = 'f16' }: CacheTypes,
): number {
  return keys * BYTES_PER_ELEMENT[cacheTypeK] + values * BYTES_PER_ELEMENT[cacheTypeV];
}

/** Returns whether a model's keys and values can be stored in a quantized type. */
export function canQuantizeCache({ keyLength, valueLength }: Pick<ModelShape, 'keyLength' | 'valueLength'>): boolean {
  return keyLength > 0 && keyLength % BLOCK_ELEMENTS === 0 && valueLength % BLOCK_ELEMENTS === 0;
}

/** Returns whether a type is quantized. The elements of a head must then fill whole blocks. */
export function isQuantized(type: CacheType): boolean {
  return type.startsWith('q');
}
