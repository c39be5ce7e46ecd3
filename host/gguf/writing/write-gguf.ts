import { VALUE_TYPES, type ValueType } from '../header.ts';
import { TENSOR_TYPES } from '../tensor-types.ts';

/** A metadata value and its type in the file. */
export type Value =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'bool'; readonly value: boolean }
  | {
      readonly type: 'array';
      readonly of: Exclude<ValueType, 'array'>;
      readonly value: readonly (string | number | bigint)[];
    }
  | { readonly type: Exclude<ValueType, 'string' | 'bool' | 'array'>; readonly value: number | bigint };

export const string = (value: string): Value => ({ type: 'string', value });
export const uint32 = (value: number): Value => ({ type: 'uint32', value });
export const float32 = (value: number): Value => ({ type: 'float32', value });
export const bool = (value: boolean): Value => ({ type: 'bool', value });
export const array = (of: Exclude<ValueType, 'array'>, value: readonly (string | number | bigint)[]): Value => ({
  type: 'array',
  of,
  value,
});

/** A tensor to write. The names of types are those in `host/gguf/tensor-types.ts`. */
export interface TensorSpec {
  readonly name: string;
  /** Elements per dimension, starting with the row. */
  readonly dimensions: readonly number[];
  readonly type: string;
}

/** A file to write. */
export interface GgufSpec<T extends TensorSpec = TensorSpec> {
  /** Default 3. */
  readonly version?: number;
  readonly metadata: Readonly<Record<string, Value>>;
  readonly tensors: readonly T[];
  /** In bytes; default 32. `general.alignment` is written only if this is set. */
  readonly alignment?: number;
}

const DEFAULT_ALIGNMENT = 32;

/** Creates a whole file in memory. */
export function writeGguf(spec: GgufSpec<TensorSpec & { readonly data: Uint8Array }>): Buffer {
  const front = ggufFront(spec);
  const parts: Uint8Array[] = [front];
  for (const tensor of spec.tensors) {
    const { bytes, padding } = tensorSize(tensor, spec.alignment);
    if (tensor.data.length !== bytes)
      throw new RangeError(`${tensor.name}: expected ${bytes} bytes, got ${tensor.data.length}`);
    parts.push(tensor.data, Buffer.alloc(padding));
  }
  return Buffer.concat(parts);
}

/**
 * Returns everything before the data section, padded to the start of the section. The caller appends the tensors in
 * order, each with its padding.
 */
export function ggufFront(spec: GgufSpec): Buffer {
  const { version = 3, alignment = DEFAULT_ALIGNMENT, tensors } = spec;
  const metadata: Record<string, Value> = {
    ...spec.metadata,
    ...(spec.alignment === undefined ? {} : { 'general.alignment': uint32(spec.alignment) }),
  };
  const parts = [Buffer.from('GGUF'), u32(version), u64(tensors.length), u64(Object.keys(metadata).length)];
  for (const [key, value] of Object.entries(metadata)) {
    parts.push(text(key), u32(VALUE_TYPES.indexOf(value.type)), encode(value));
  }
  let offset = 0;
  for (const tensor of tensors) {
    const { typeId, bytes, padding } = tensorSize(tensor, alignment);
    parts.push(
      text(tensor.name),
      u32(tensor.dimensions.length),
      ...tensor.dimensions.map(u64),
      u32(typeId),
      u64(offset),
    );
    offset += bytes + padding;
  }
  const front = Buffer.concat(parts);
  return Buffer.concat([front, Buffer.alloc(padTo(front.length, alignment))]);
}

/** Returns the size of a tensor's data and of the padding after it, in bytes. */
export function tensorSize(tensor: TensorSpec, alignment = DEFAULT_ALIGNMENT) {
  const type = [...TENSOR_TYPES.values()].find(({ name }) => name === tensor.type);
  if (type === undefined) throw new RangeError(`Unknown tensor type ${tensor.type}`);
  const elements = tensor.dimensions.reduce((product, n) => product * n, 1);
  const bytes = (elements / type.blockElements) * type.blockBytes;
  return { typeId: type.id, bytes, padding: padTo(bytes, alignment) };
}

function padTo(length: number, alignment: number): number {
  return (alignment - (length % alignment)) % alignment;
}

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}

function u64(value: number | bigint): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(value));
  return buffer;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([u64(bytes.length), bytes]);
}

function encode(value: Value): Buffer {
  if (value.type !== 'array') return encodeElement(value.type, value.value);
  const head = [u32(VALUE_TYPES.indexOf(value.of)), u64(value.value.length)];
  const elements = value.value.map((element) => encodeElement(value.of, element));
  return Buffer.concat([...head, ...elements]);
}

function encodeElement(type: Exclude<ValueType, 'array'>, value: string | number | bigint | boolean): Buffer {
  const buffer = Buffer.alloc(8);
  switch (type) {
    case 'string':
      return text(String(value));
    case 'bool':
    case 'uint8':
      buffer.writeUInt8(Number(value));
      return buffer.subarray(0, 1);
    case 'int8':
      buffer.writeInt8(Number(value));
      return buffer.subarray(0, 1);
    case 'uint16':
      buffer.writeUInt16LE(Number(value));
      return buffer.subarray(0, 2);
    case 'int16':
      buffer.writeInt16LE(Number(value));
      return buffer.subarray(0, 2);
    case 'uint32':
      buffer.writeUInt32LE(Number(value));
      return buffer.subarray(0, 4);
    case 'int32':
      buffer.writeInt32LE(Number(value));
      return buffer.subarray(0, 4);
    case 'float32':
      buffer.writeFloatLE(Number(value));
      return buffer.subarray(0, 4);
    case 'uint64':
      buffer.writeBigUInt64LE(BigInt(value));
      return buffer;
    case 'int64':
      buffer.writeBigInt64LE(BigInt(value));
      return buffer;
    case 'float64':
      buffer.writeDoubleLE(Number(value));
      return buffer;
  }
}
