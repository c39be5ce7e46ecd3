import { type GgufArray, type GgufEntry, type GgufNumber, VALUE_TYPES, type ValueType } from './header.ts';
import { MAX_KEY_BYTES, MAX_METADATA_ENTRIES, MAX_STORED_NUMBERS, MAX_STRING_BYTES } from './limits.ts';
import { quote, type Rejection } from './reject.ts';
import type { WindowReader } from './window-reader.ts';

/** Size of values of fixed size, in bytes. */
const VALUE_BYTES = {
  uint8: 1,
  int8: 1,
  bool: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  float32: 4,
  uint64: 8,
  int64: 8,
  float64: 8,
} as const satisfies Partial<Record<ValueType, number>>;

type NumberType = Exclude<keyof typeof VALUE_BYTES, 'bool'>;

/** Size of the smallest key-value pair, in bytes: length of the key, key of one byte, type, value of one byte. */
const MIN_ENTRY_BYTES = 8 + 1 + 4 + 1;

/** The only array of strings that must not contain duplicates: llama.cpp aborts on them. */
const VOCABULARY = 'tokenizer.ggml.tokens';

/** Size of the empty string, in bytes: its length field. */
const MIN_STRING_BYTES = 8;

/** Reads all key-value pairs. The reader must be positioned at the first one. @throws HostError `MODEL_REJECTED`. */
export async function readMetadata(
  reader: WindowReader,
  count: number,
  reject: Rejection,
): Promise<Map<string, GgufEntry>> {
  checkCount(count, MAX_METADATA_ENTRIES, reader.remaining, MIN_ENTRY_BYTES, 'metadata entries', reject);
  const metadata = new Map<string, GgufEntry>();
  for (let i = 0; i < count; i++) {
    const key = await reader.string(`metadata key ${i}`, MAX_KEY_BYTES);
    if (!isName(key)) throw invalidName(`metadata key ${i}`, key, reject);
    if (metadata.has(key)) {
      throw reject(`metadata key ${quote(key)} occurs twice`, { expected: 'each key once', found: quote(key) });
    }
    metadata.set(key, await readEntry(reader, key, reject));
  }
  return metadata;
}

/**
 * Returns whether a string is a valid name of a key or tensor: not empty, and without control characters (a null
 * character would terminate it in C).
 */
export function isName(text: string): boolean {
  return /^\P{Cc}+$/u.test(text);
}

/** Returns the error for an invalid name, see {@link isName}. */
export function invalidName(what: string, found: string, reject: Rejection) {
  return reject(`${what} is ${quote(found)}, which is not a valid name`, {
    expected: 'a name without control characters',
    found: quote(found),
  });
}

/** Rejects a count that exceeds its limit or needs more bytes than the file has left. */
export function checkCount(
  count: number,
  limit: number,
  bytesRemaining: number,
  minBytes: number,
  what: string,
  reject: Rejection,
): void {
  if (count > limit) {
    throw reject(`it declares ${count} ${what}, more than the ${limit} allowed`, {
      expected: `at most ${limit} ${what}`,
      found: count,
    });
  }
  if (count * minBytes > bytesRemaining) {
    throw reject(`it declares ${count} ${what}, but only ${bytesRemaining} bytes of the file remain for them`, {
      expected: `at least ${count * minBytes} bytes`,
      found: bytesRemaining,
    });
  }
}

async function readEntry(reader: WindowReader, key: string, reject: Rejection): Promise<GgufEntry> {
  const type = await readType(reader, key, reject);
  switch (type) {
    case 'string':
      return { type, value: await reader.string(`the value of ${quote(key)}`, MAX_STRING_BYTES) };
    case 'bool':
      return { type, value: (await reader.bytes(1)).readUInt8() !== 0 };
    case 'array':
      return { type, value: await readArray(reader, key, reject) };
    default:
      return { type, value: numberAt(await reader.bytes(VALUE_BYTES[type]), 0, type) };
  }
}

async function readType(reader: WindowReader, key: string, reject: Rejection): Promise<ValueType> {
  const number = await reader.uint32();
  const type = VALUE_TYPES[number];
  if (type !== undefined) return type;
  throw reject(`the value of ${quote(key)} has the type ${number}, which GGUF does not define`, {
    expected: `a type from 0 to ${VALUE_TYPES.length - 1}`,
    found: number,
  });
}

async function readArray(reader: WindowReader, key: string, reject: Rejection): Promise<GgufArray> {
  const elementType = await readType(reader, key, reject);
  if (elementType === 'array') {
    throw reject(`the value of ${quote(key)} is a list of lists, which llama.cpp does not support`, {
      expected: 'a list of numbers or strings',
      found: 'a list of lists',
    });
  }
  const length = await reader.count(`the length of ${quote(key)}`);
  const minBytes = elementType === 'string' ? MIN_STRING_BYTES : VALUE_BYTES[elementType];
  checkCount(length, Number.MAX_SAFE_INTEGER, reader.remaining, minBytes, `elements in ${quote(key)}`, reject);
  if (elementType === 'string') {
    await reader.skipStrings(length, `a string in ${quote(key)}`, key === VOCABULARY);
    return { elementType, length };
  }
  if (length > MAX_STORED_NUMBERS) {
    reader.skip(length * VALUE_BYTES[elementType]);
    return { elementType, length };
  }
  const bytes = await reader.bytes(length * VALUE_BYTES[elementType]);
  const numberType = elementType === 'bool' ? 'uint8' : elementType;
  const numbers = Array.from({ length }, (_, i) => numberAt(bytes, i * VALUE_BYTES[numberType], numberType));
  return { elementType, length, numbers };
}

function numberAt(bytes: Buffer, offset: number, type: NumberType): GgufNumber {
  switch (type) {
    case 'uint8':
      return bytes.readUInt8(offset);
    case 'int8':
      return bytes.readInt8(offset);
    case 'uint16':
      return bytes.readUInt16LE(offset);
    case 'int16':
      return bytes.readInt16LE(offset);
    case 'uint32':
      return bytes.readUInt32LE(offset);
    case 'int32':
      return bytes.readInt32LE(offset);
    case 'float32':
      return bytes.readFloatLE(offset);
    case 'float64':
      return bytes.readDoubleLE(offset);
    case 'uint64':
      return narrow(bytes.readBigUInt64LE(offset));
    case 'int64':
      return narrow(bytes.readBigInt64LE(offset));
  }
}

function narrow(value: bigint): GgufNumber {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
