/** Numbers that break code without bounds checks: limits of integer types, small counts, powers of two. */
export const EDGE_VALUES = [
  0n,
  1n,
  2n,
  255n,
  256n,
  65_535n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 62n,
  2n ** 63n - 1n,
  2n ** 64n - 1n,
] as const;
