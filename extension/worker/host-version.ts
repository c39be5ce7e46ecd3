/** The oldest host that answers everything this extension asks, as its PING says. */
export const MIN_HOST_VERSION = '0.1.0';

/** Says whether version `found` (`1.2.3`, anything after the numbers is ignored) is `needed` or newer. */
export function isRecentEnough(found: string, needed: string = MIN_HOST_VERSION): boolean {
  const have = numbers(found);
  const want = numbers(needed);
  const at = want.findIndex((part, index) => part !== (have[index] ?? 0));
  return at === -1 || (have[at] ?? 0) > (want[at] ?? 0);
}

function numbers(version: string): number[] {
  return (/^\d+(\.\d+)*/.exec(version)?.[0] ?? '0').split('.').map(Number);
}
