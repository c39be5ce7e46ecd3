/** An inclusive range of code points. */
export type Range = readonly [first: number, last: number];

/** All Unicode scalar values: the code points except surrogates. */
export const ALL_RANGES: readonly Range[] = [
  [0, 0xd7ff],
  [0xe000, 0x10ffff],
];

/** Returns the ranges sorted, with overlapping and adjacent ranges merged. */
export function normalRanges(ranges: readonly Range[]): Range[] {
  const result: [number, number][] = [];
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const previous = result.at(-1);
    if (previous !== undefined && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
    else result.push([first, last]);
  }
  return result;
}

/** Returns the complement of normalized ranges. */
export function complement(ranges: readonly Range[]): Range[] {
  const result: Range[] = [];
  let next = 0;
  for (const [first, last] of [...ranges, [0x110000, 0x110000] as const]) {
    if (first > next) result.push([next, first - 1]);
    next = last + 1;
  }
  return common(result, ALL_RANGES);
}

/** Returns the intersection of two sets of ranges. */
export function common(a: readonly Range[], b: readonly Range[]): Range[] {
  const result: Range[] = [];
  for (const [first, last] of a) {
    for (const [otherFirst, otherLast] of b) {
      const from = Math.max(first, otherFirst);
      const to = Math.min(last, otherLast);
      if (from <= to) result.push([from, to]);
    }
  }
  return normalRanges(result);
}
