import type { TensorType } from './tensor-types.ts';

/** The types a metadata value can have. Source: `gguf_type` of ggml, in the order of its numbers. */
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

/** A number as the file has it; `bigint` only where a 64-bit one is beyond 2^53. */
export type GgufNumber = number | bigint;

/** A list: always its length, its numbers only where they are few, never its strings. */
export interface GgufArray {
  readonly elementType: Exclude<ValueType, 'array'>;
  readonly length: number;
  readonly numbers?: readonly GgufNumber[];
}

/** One key's value. */
export type GgufEntry =
  | { readonly type: 'array'; readonly value: GgufArray }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: Exclude<ValueType, 'array' | 'string' | 'bool'>; readonly value: GgufNumber };

/** One row of the tensor table. */
export interface GgufTensor {
  readonly name: string;
  /** Elements per dimension, the row first; at most four. */
  readonly dimensions: readonly number[];
  readonly type: TensorType;
  /** Bytes from the start of the data section. */
  readonly offset: number;
  readonly bytes: number;
}

/** What the front of a GGUF file says, checked against itself and against the file's size. */
export interface GgufHeader {
  /** The path or name the file is known by, for messages. */
  readonly file: string;
  readonly fileBytes: number;
  readonly version: 2 | 3;
  readonly alignment: number;
  readonly metadata: ReadonlyMap<string, GgufEntry>;
  readonly tensors: readonly GgufTensor[];
  /** Where the data section begins, bytes from the start of the file. */
  readonly dataOffset: number;
}

/** A string value, or undefined where the key is missing or holds something else. */
export function stringOf(header: GgufHeader, key: string): string | undefined {
  const entry = header.metadata.get(key);
  return entry?.type === 'string' ? entry.value : undefined;
}

/** A number that JavaScript holds exactly, or undefined. */
export function numberOf(header: GgufHeader, key: string): number | undefined {
  const value = header.metadata.get(key)?.value;
  return typeof value === 'number' ? value : undefined;
}

/** A list, or undefined. */
export function arrayOf(header: GgufHeader, key: string): GgufArray | undefined {
  const entry = header.metadata.get(key);
  return entry?.type === 'array' ? entry.value : undefined;
}
