/** Most CPUs a list is read for: the kernel's own limit (CONFIG_NR_CPUS) is 8,192. */
const MAX_CPUS = 8192;

/** The CPUs in a list of the kernel's: `0,64` or `0-3,8`. What is no list has none. */
export function numbersOf(list: string): number[] {
  return list
    .trim()
    .split(',')
    .flatMap((range) => {
      const [first = Number.NaN, last = first] = range === '' ? [] : range.split('-').map(Number);
      if (!Number.isInteger(first) || !Number.isInteger(last) || last < first || last >= MAX_CPUS) return [];
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

/** How many CPUs such a list names; at least one, since somebody reads it. */
export function countList(list: string): number {
  return Math.max(1, numbersOf(list).length);
}
