import type { TensorType } from './tensor-types.ts';

/** Types of metadata values, in the numeric order of `gguf_type` of ggml. */
export const VALUE_TYPES = [
  'uint8',
  'int8',
  'uint16',
  'int16',
  'uint32',
  'int32',
  'float32',
  'bool',
  'string',
  'array',
  'uint64',
  'int64',
  'float64',
] as const;

export type ValueType = (typeof VALUE_TYPES)[number];

/** A number from the file; `bigint` only for 64-bit integers that a number does not represent exactly. */
export type GgufNumber = number | bigint;

/** An array. Its numbers are stored if there are at most `MAX_STORED_NUMBERS`, its strings never. */
export interface GgufArray {
  readonly elementType: Exclude<ValueType, 'array'>;
  readonly length: number;
  readonly numbers?: readonly GgufNumber[];
}

/** The value of a key. */
export type GgufEntry =
  | { readonly type: 'array'; readonly value: GgufArray }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: Exclude<ValueType, 'array' | 'string' | 'bool'>; readonly value: GgufNumber };

/** An entry of the tensor table. */
export interface GgufTensor {
  readonly name: string;
  /** Elements per dimension, starting with the row; at most four. */
  readonly dimensions: readonly number[];
  readonly type: TensorType;
  /** Bytes from the start of the data section. */
  readonly offset: number;
  readonly bytes: number;
}

/** The header of a GGUF file, checked for consistency and against the file's size. */
export interface GgufHeader {
  /** Path or name of the file, for messages. */
  readonly file: string;
  readonly fileBytes: number;
  readonly version: 2 | 3;
  readonly alignment: number;
  readonly metadata: ReadonlyMap<string, GgufEntry>;
  readonly tensors: readonly GgufTensor[];
  /** Start of the data section, in bytes from the start of the file. */
  readonly dataOffset: number;
}

/** Returns a string value; undefined if the key is missing or has another type. */
export function stringOf(header: GgufHeader, key: string): string | undefined {
  const entry = header.metadata.get(key);
  return entry?.type === 'string' ? entry.value : undefined;
}

/** Returns a number; undefined if the key is missing, has another type, or its value exceeds 2^53. */
export function numberOf(header: GgufHeader, key: string): number | undefined {
  const value = header.metadata.get(key)?.value;
  return typeof value === 'number' ? value : undefined;
}

/** Returns an array; undefined if the key is missing or has another type. */
export function arrayOf(header: GgufHeader, key: string): GgufArray | undefined {
  const entry = header.metadata.get(key);
  return entry?.type === 'array' ? entry.value : undefined;
}
