import { NASTY } from './nasty.ts';
import type { Seeded } from './seeded.ts';

/** Offsets of the numbers of one entry of the tensor table in the file. */
interface Entry {
  readonly dimensionCount: number;
  readonly dimensions: readonly number[];
  readonly type: number;
  readonly offset: number;
  readonly name: number;
  readonly nameLength: number;
}

/** Offsets of the counts in a GGUF header, bytes. Source: the GGUF specification. */
const TENSOR_COUNT = 8;
const METADATA_COUNT = 16;

/** Finds the entries of the table by their names, in a valid file. */
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

const nastyOffset: TableMutation = (bytes, table, random) => {
  bytes.writeBigUInt64LE(random.pick(NASTY), random.pick(table).offset);
};

/** Two tensors at one offset, or one that overlaps another. */
const overlap: TableMutation = (bytes, table, random) => {
  const other = bytes.readBigUInt64LE(random.pick(table).offset);
  bytes.writeBigUInt64LE(other + BigInt(32 * random.below(3)), random.pick(table).offset);
};

const crookedOffset: TableMutation = (bytes, table, random) => {
  const { offset } = random.pick(table);
  bytes.writeBigUInt64LE(bytes.readBigUInt64LE(offset) + BigInt(1 + random.below(31)), offset);
};

const nastyDimension: TableMutation = (bytes, table, random) => {
  const [first, ...rest] = random.pick(table).dimensions;
  if (first !== undefined) bytes.writeBigUInt64LE(random.pick(NASTY), random.pick([first, ...rest]));
};

/** Dimensions whose product overflows 64 bits to a small number. */
const overflowingDimensions: TableMutation = (bytes, table, random) => {
  for (const at of random.pick(table).dimensions) bytes.writeBigUInt64LE(2n ** 32n + BigInt(random.below(64)), at);
};

const nastyDimensionCount: TableMutation = (bytes, table, random) => {
  bytes.writeUInt32LE(Number(BigInt.asUintN(32, random.pick(NASTY))), random.pick(table).dimensionCount);
};

const otherType: TableMutation = (bytes, table, random) => {
  bytes.writeUInt32LE(random.below(64), random.pick(table).type);
};

const sameName: TableMutation = (bytes, table, random) => {
  const [from, to] = [random.pick(table), random.pick(table)];
  bytes.copy(bytes, to.name, from.name, from.name + Math.min(from.nameLength, to.nameLength));
};

const nastyCount: TableMutation = (bytes, _table, random) => {
  bytes.writeBigUInt64LE(random.pick(NASTY), random.pick([TENSOR_COUNT, METADATA_COUNT]));
};

const TABLE_MUTATIONS = [
  nastyOffset,
  overlap,
  crookedOffset,
  nastyDimension,
  overflowingDimensions,
  nastyDimensionCount,
  otherType,
  sameName,
  nastyCount,
] as const;

/** Damages the tensor table of a copy of a valid file in effective ways, which random bytes rarely do. */
export function mutateTable(
  good: Buffer,
  header: number,
  random: Seeded,
): { readonly bytes: Buffer; readonly how: string } {
  const [first, ...rest] = entries(good, header);
  if (first === undefined) throw new RangeError('The file has no tensor that this knows by name');
  const bytes = Buffer.from(good);
  const mutation = random.pick(TABLE_MUTATIONS);
  mutation(bytes, [first, ...rest], random);
  return { bytes, how: mutation.name };
}
