/** Number of weights per block, in both ternary types. Source: `QK_K` of ggml. */
const BLOCK = 256;

/** The numbers 1 and 4 as F16. */
const F16 = { 1: 0x3c00, 4: 0x4400 } as const;

/** A weight: minus the scale, zero, or the scale. */
export type Ternary = -1 | 0 | 1;

/** Packs rows of ternary weights as ggml does: TQ2_0 has two bits per weight, TQ1_0 five weights per byte. */
export function packTernary(
  type: 'TQ1_0' | 'TQ2_0',
  weights: { readonly rows: number; readonly row: number; at(row: number, column: number): Ternary },
  scale: keyof typeof F16,
): Buffer {
  const pack = type === 'TQ2_0' ? packTq2 : packTq1;
  const blocks: Buffer[] = [];
  for (let row = 0; row < weights.rows; row += 1) {
    for (let start = 0; start < weights.row; start += BLOCK) {
      const d = Buffer.alloc(2);
      d.writeUInt16LE(F16[scale]);
      blocks.push(Buffer.concat([pack((i) => weights.at(row, start + i) + 1), d]));
    }
  }
  return Buffer.concat(blocks);
}

/**
 * Packs a block. Source of both layouts: `quantize_row_tq2_0_ref` and `quantize_row_tq1_0_ref` in ggml. `digit` returns
 * 0, 1 or 2.
 */
function packTq2(digit: (index: number) => number): Buffer {
  const bytes = Buffer.alloc(BLOCK / 4);
  for (let i = 0; i < BLOCK; i += 1) {
    const at = 32 * Math.floor(i / 128) + (i % 32);
    const shift = 2 * (Math.floor(i / 32) % 4);
    bytes.writeUInt8(bytes.readUInt8(at) | (digit(i) << shift), at);
  }
  return bytes;
}

function packTq1(digit: (index: number) => number): Buffer {
  const byte = (digits: readonly number[]) =>
    Math.floor((digits.reduce((sum, next) => 3 * sum + next, 0) * 256 + 242) / 243);
  const runs = [
    ...Array.from({ length: 32 }, (_, m) => [0, 1, 2, 3, 4].map((n) => digit(m + 32 * n))),
    ...Array.from({ length: 16 }, (_, m) => [0, 1, 2, 3, 4].map((n) => digit(160 + m + 16 * n))),
    // The last bytes have four weights and an unused digit.
    ...Array.from({ length: 4 }, (_, m) => [...[0, 1, 2, 3].map((n) => digit(240 + m + 4 * n)), 0]),
  ];
  return Buffer.from(runs.map(byte));
}
