import { EDGE_VALUES } from './edge-values.ts';
import type { Seeded } from './seeded.ts';

/** Offsets in the file of the fields of an entry in the tensor table. */
interface Entry {
  readonly dimensionCount: number;
  readonly dimensions: readonly number[];
  readonly type: number;
  readonly offset: number;
  readonly name: number;
  readonly nameLength: number;
}

/** Offsets of the counts in a GGUF header, in bytes. Source: the GGUF specification. */
const TENSOR_COUNT = 8;
const METADATA_COUNT = 16;

/** Returns the entries of the tensor table in a valid file. Finds them by their names. */
function entries(bytes: Buffer, header: number): Entry[] {
  const front = bytes.subarray(0, header).toString('latin1');
  return [...front.matchAll(/(?:token_embd|output|output_norm|blk\.\d+\.[a-z_]+)\.weight/g)].map((match) => {
    const dimensionCount = match.index + match[0].length;
    const count = bytes.readUInt32LE(dimensionCount);
    const type = dimensionCount + 4 + 8 * count;
    return {
      name: match.index,
      nameLength: match[0].length,
      dimensionCount,
      dimensions: Array.from({ length: count }, (_, i) => dimensionCount + 4 + 8 * i),
      type,
      offset: type + 4,
    };
  });
}

type TableMutation = (bytes: Buffer, table: readonly [Entry, ...Entry[]], random: Seeded) => void;

const edgeOffset: TableMutation = (bytes, table, random) => {
  bytes.writeBigUInt64LE(random.pick(EDGE_VALUES), random.pick(table).offset);
};

/** Gives a tensor the offset of another one, or one that overlaps it. */
const overlap: TableMutation = (bytes, table, random) => {
  const other = bytes.readBigUInt64LE(random.pick(table).offset);
  bytes.writeBigUInt64LE(other + BigInt(32 * random.below(3)), random.pick(table).offset);
};

const misalignedOffset: TableMutation = (bytes, table, random) => {
  const { offset } = random.pick(table);
  bytes.writeBigUInt64LE(bytes.readBigUInt64LE(offset) + BigInt(1 + random.below(31)), offset);
};

const edgeDimension: TableMutation = (bytes, table, random) => {
  const [first, ...rest] = random.pick(table).dimensions;
  if (first !== undefined) bytes.writeBigUInt64LE(random.pick(EDGE_VALUES), random.pick([first, ...rest]));
};

/** Sets dimensions whose product overflows 64 bits to a small number. */
const overflowingDimensions: TableMutation = (bytes, table, random) => {
  for (const at of random.pick(table).dimensions) bytes.writeBigUInt64LE(2n ** 32n + BigInt(random.below(64)), at);
};

const edgeDimensionCount: TableMutation = (bytes, table, random) => {
  bytes.writeUInt32LE(Number(BigInt.asUintN(32, random.pick(EDGE_VALUES))), random.pick(table).dimensionCount);
};

const otherType: TableMutation = (bytes, table, random) => {
  bytes.writeUInt32LE(random.below(64), random.pick(table).type);
};

const sameName: TableMutation = (bytes, table, random) => {
  const [from, to] = [random.pick(table), random.pick(table)];
  bytes.copy(bytes, to.name, from.name, from.name + Math.min(from.nameLength, to.nameLength));
};

const edgeCount: TableMutation = (bytes, _table, random) => {
  bytes.writeBigUInt64LE(random.pick(EDGE_VALUES), random.pick([TENSOR_COUNT, METADATA_COUNT]));
};

const TABLE_MUTATIONS = [
  edgeOffset,
  overlap,
  misalignedOffset,
  edgeDimension,
  overflowingDimensions,
  edgeDimensionCount,
  otherType,
  sameName,
  edgeCount,
] as const;

/** Damages the tensor table in a copy of a valid file, in ways that random bytes rarely do. */
export function mutateTable(
  good: Buffer,
  header: number,
  random: Seeded,
): { readonly bytes: Buffer; readonly how: string } {
  const [first, ...rest] = entries(good, header);
  if (first === undefined) throw new RangeError('Expected a tensor with a known name');
  const bytes = Buffer.from(good);
  const mutation = random.pick(TABLE_MUTATIONS);
  mutation(bytes, [first, ...rest], random);
  return { bytes, how: mutation.name };
}
