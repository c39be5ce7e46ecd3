import type { GgufTensor } from './header.ts';
import { MAX_DIMENSIONS, MAX_TENSOR_NAME_BYTES, MAX_TENSORS } from './limits.ts';
import { checkCount, invalidName, isName } from './read-metadata.ts';
import { quote, type Rejection } from './reject.ts';
import { describeUnsupportedType, TENSOR_TYPES, type TensorType } from './tensor-types.ts';
import type { WindowReader } from './window-reader.ts';

/** Size of the smallest row, in bytes: length of the name, number of dimensions, one dimension, type, offset. */
const MIN_ROW_BYTES = 8 + 4 + 8 + 4 + 8;

/** Reads the tensor table. The reader must be positioned at its first row. @throws HostError `MODEL_REJECTED`. */
export async function readTensors(
  reader: WindowReader,
  count: number,
  alignment: number,
  reject: Rejection,
): Promise<GgufTensor[]> {
  checkCount(count, MAX_TENSORS, reader.remaining, MIN_ROW_BYTES, 'tensors', reject);
  const tensors: GgufTensor[] = [];
  const names = new Set<string>();
  let expectedOffset = 0;
  for (let i = 0; i < count; i++) {
    const tensor = await readRow(reader, i, reject);
    if (names.has(tensor.name)) {
      throw reject(`tensor ${quote(tensor.name)} occurs twice`, {
        expected: 'each tensor once',
        found: quote(tensor.name),
      });
    }
    // llama.cpp requires that each tensor directly follows the previous one and its padding. Tensors therefore cannot
    // overlap, and all of them are aligned.
    if (tensor.offset !== expectedOffset) {
      const how = tensor.offset < expectedOffset ? 'overlaps the previous one' : 'leaves a gap after the previous one';
      throw reject(`tensor ${quote(tensor.name)} ${how}: it starts at ${tensor.offset} instead of ${expectedOffset}`, {
        expected: expectedOffset,
        found: tensor.offset,
      });
    }
    names.add(tensor.name);
    tensors.push(tensor);
    expectedOffset = align(tensor.offset + tensor.bytes, alignment);
    if (!Number.isSafeInteger(expectedOffset)) throw tooLarge(tensor.name, tensor.dimensions, reject);
  }
  return tensors;
}

/** Rounds an offset up to a multiple of `alignment`. */
export function align(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

async function readRow(reader: WindowReader, index: number, reject: Rejection): Promise<GgufTensor> {
  const name = await reader.string(`the name of tensor ${index}`, MAX_TENSOR_NAME_BYTES);
  if (!isName(name)) throw invalidName(`the name of tensor ${index}`, name, reject);
  const rank = await reader.uint32();
  if (rank < 1 || rank > MAX_DIMENSIONS) {
    throw reject(`tensor ${quote(name)} has ${rank} dimensions`, {
      expected: `1 to ${MAX_DIMENSIONS} dimensions`,
      found: rank,
    });
  }
  const dimensions: number[] = [];
  for (let i = 0; i < rank; i++) dimensions.push(await reader.count(`dimension ${i} of tensor ${quote(name)}`));
  const typeId = await reader.uint32();
  const type = TENSOR_TYPES.get(typeId);
  if (type === undefined) {
    throw reject(`tensor ${quote(name)} has type ${describeUnsupportedType(typeId)}`, {
      expected: 'a tensor type that llama.cpp supports',
      found: typeId,
    });
  }
  const bytes = tensorBytes(name, dimensions, type, reject);
  const offset = await reader.count(`the offset of tensor ${quote(name)}`);
  return { name, dimensions, type, offset, bytes };
}

function tensorBytes(name: string, dimensions: readonly number[], type: TensorType, reject: Rejection): number {
  const [row = 0] = dimensions;
  if (dimensions.includes(0)) {
    throw reject(`tensor ${quote(name)} has no elements`, {
      expected: 'dimensions of 1 or more',
      found: dimensions.join(' × '),
    });
  }
  if (row % type.blockElements !== 0) {
    throw reject(
      `tensor ${quote(name)} has rows of ${row} elements, but the block size of ${type.name} is ${type.blockElements}`,
      {
        expected: `a multiple of ${type.blockElements}`,
        found: row,
      },
    );
  }
  const elements = dimensions.reduce((product, n) => product * n, 1);
  const bytes = (elements / type.blockElements) * type.blockBytes;
  if (!Number.isSafeInteger(bytes)) throw tooLarge(name, dimensions, reject);
  return bytes;
}

function tooLarge(name: string, dimensions: readonly number[], reject: Rejection) {
  return reject(`tensor ${quote(name)} declares too many elements (${dimensions.join(' × ')})`, {
    expected: 'a size below 2^53 bytes',
    found: dimensions.join(' × '),
  });
}
