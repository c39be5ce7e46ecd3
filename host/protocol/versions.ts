/**
 * The oldest extension this host works with, and the oldest host this extension works with; both import this file. A
 * change to the protocol that breaks older versions of one side raises its constant. Additions raise neither: unknown
 * fields are ignored, and unknown actions fail with `UNKNOWN_ACTION`.
 */
export const OLDEST_CLIENT = '0.1.0';
export const OLDEST_HOST = '0.1.0';

/** Which side is too old for the other. */
export type Outdated = 'client' | 'host';

/** The versions that the two sides report. */
export interface Versions {
  readonly host: string;
  /** The oldest client the host works with; a host that does not report it works with all. */
  readonly oldestClient?: string | undefined;
  readonly client?: string | undefined;
  readonly oldestHost?: string | undefined;
}

/** Returns the side that must be updated; undefined if the two are compatible. */
export function outdated({ host, oldestClient, client, oldestHost }: Versions): Outdated | undefined {
  if (isOlder(host, oldestHost)) return 'host';
  return isOlder(client, oldestClient) ? 'client' : undefined;
}

/** Returns a message for the user. */
export function updateAdvice(which: Outdated, { host, oldestClient, client, oldestHost }: Versions): string {
  return which === 'host'
    ? `The TabAgent host is version ${host}, and this extension needs ${oldestHost} or later. Update the host.`
    : `The TabAgent extension is version ${client}, and this host needs ${oldestClient} or later. Update the extension.`;
}

/** Returns whether a version is older than another. An absent or malformed version is not. */
export function isOlder(version: string | undefined, than: string | undefined): boolean {
  const [a, b] = [numbersOf(version), numbersOf(than)];
  if (a === undefined || b === undefined) return false;
  const position = a.findIndex((number, index) => number !== b[index]);
  return position >= 0 && (a[position] ?? 0) < (b[position] ?? 0);
}

/** Parses `1.2.3`, with or without a suffix. */
function numbersOf(version: string | undefined): readonly number[] | undefined {
  const found = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?![\d])/.exec(version ?? '');
  return found === null ? undefined : found.slice(1).map(Number);
}
