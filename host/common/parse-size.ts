/** Units of sizes: decimal units, as for disks, and binary units with an `i`. */
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  KI: 2 ** 10,
  MI: 2 ** 20,
  GI: 2 ** 30,
  TI: 2 ** 40,
};

/** Parses a size such as `50GB`, `20 GiB` or a number of bytes. Returns bytes; undefined if it is not a valid size. */
export function parseSize(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  const match =
    typeof value === 'string' ? /^\s*(\d{1,9}(?:\.\d{1,3})?|\d{1,16})\s*([KMGT]?I?)B?\s*$/i.exec(value) : null;
  const unit = UNITS[match?.[2]?.toUpperCase() ?? '?'];
  if (match?.[1] === undefined || unit === undefined) return undefined;
  const bytes = Math.floor(Number(match[1]) * unit);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
