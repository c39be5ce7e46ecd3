import { EDGE_VALUES } from './edge-values.ts';
import type { Seeded } from './seeded.ts';

/** Damages a file. `header` is the size of its header. */
type Mutation = (bytes: Buffer, header: number, random: Seeded) => Buffer;

const flipBits: Mutation = (bytes, header, random) => {
  for (let i = random.below(8); i >= 0; i--) bytes.writeUInt8(random.below(256), random.below(header));
  return bytes;
};

const edgeNumber: Mutation = (bytes, header, random) => {
  bytes.writeBigUInt64LE(random.pick(EDGE_VALUES), random.below(header - 8));
  return bytes;
};

const edgeShort: Mutation = (bytes, header, random) => {
  bytes.writeUInt32LE(Number(BigInt.asUintN(32, random.pick(EDGE_VALUES))), random.below(header - 4));
  return bytes;
};

const cutShort: Mutation = (bytes, _header, random) => bytes.subarray(0, random.below(bytes.length));

const extend: Mutation = (bytes, _header, random) => Buffer.concat([bytes, Buffer.alloc(random.below(4096), 0xff)]);

const moveBlock: Mutation = (bytes, header, random) => {
  const length = 1 + random.below(64);
  bytes.copy(
    bytes,
    random.below(header - length),
    random.below(header - length),
    random.below(header - length) + length,
  );
  return bytes;
};

/** Changes the value of a key that determines a size, which random bytes rarely change. */
const edgeSetting: Mutation = (bytes, _header, random) => {
  const key = random.pick([
    'llama.block_count',
    'llama.context_length',
    'llama.embedding_length',
    'llama.feed_forward_length',
    'llama.attention.head_count',
    'llama.attention.head_count_kv',
    'llama.rope.dimension_count',
    'llama.vocab_size',
    'tokenizer.ggml.bos_token_id',
    'general.file_type',
  ]);
  bytes.writeUInt32LE(Number(BigInt.asUintN(32, random.pick(EDGE_VALUES))), bytes.indexOf(key) + key.length + 4);
  return bytes;
};

const badWeights: Mutation = (bytes, header, random) => {
  for (let i = 0; i < 1000; i++) bytes.writeUInt8(0xff, header + random.below(bytes.length - header));
  return bytes;
};

const MUTATIONS = [
  flipBits,
  edgeNumber,
  edgeShort,
  cutShort,
  extend,
  moveBlock,
  edgeSetting,
  edgeSetting,
  badWeights,
] as const;

/** Damages a copy of a valid file in one of several ways. */
export function mutate(good: Buffer, header: number, random: Seeded): { readonly bytes: Buffer; readonly how: string } {
  const mutation = random.pick(MUTATIONS);
  return { bytes: mutation(Buffer.from(good), header, random), how: mutation.name };
}
