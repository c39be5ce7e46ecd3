/** Maximum number of CPUs in a list: the kernel's limit (CONFIG_NR_CPUS). */
const MAX_CPUS = 8192;

/** Parses a CPU list of the Linux kernel, such as `0,64` or `0-3,8`. Invalid ranges are skipped. */
export function parseCpuList(list: string): number[] {
  return list
    .trim()
    .split(',')
    .flatMap((range) => {
      const [first = Number.NaN, last = first] = range === '' ? [] : range.split('-').map(Number);
      if (!Number.isInteger(first) || !Number.isInteger(last) || last < first || last >= MAX_CPUS) return [];
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

/** Returns the number of CPUs in a CPU list, at least 1. */
export function countCpus(list: string): number {
  return Math.max(1, parseCpuList(list).length);
}
