/**
 * The oldest extension this host works with, and the oldest host this extension works with: both import this file. A
 * change to the protocol that an older side could not take raises one of them; one that it merely does not know raises
 * neither, since unknown fields are ignored and unknown actions refused by name.
 */
export const OLDEST_CLIENT = '0.1.0';
export const OLDEST_HOST = '0.1.0';

/** Which side is too old for the other. */
export type Outdated = 'client' | 'host';

/** What each side says of itself. */
export interface Versions {
  readonly host: string;
  /** The oldest client that host works with; hosts that do not say so work with all. */
  readonly oldestClient?: string | undefined;
  readonly client?: string | undefined;
  readonly oldestHost?: string | undefined;
}

/** Which side has to be updated before the two understand each other; undefined when they do. */
export function outdated({ host, oldestClient, client, oldestHost }: Versions): Outdated | undefined {
  if (isOlder(host, oldestHost)) return 'host';
  return isOlder(client, oldestClient) ? 'client' : undefined;
}

/** What to tell the user about it. */
export function updateAdvice(which: Outdated, { host, oldestClient, client, oldestHost }: Versions): string {
  return which === 'host'
    ? `The TabAgent host is version ${host}, and this extension needs ${oldestHost} or later. Update the host.`
    : `The TabAgent extension is version ${client}, and this host needs ${oldestClient} or later. Update the extension.`;
}

/** Says whether a version is older than another. What is no version, or not said, is not old. */
export function isOlder(version: string | undefined, than: string | undefined): boolean {
  const [a, b] = [numbersOf(version), numbersOf(than)];
  if (a === undefined || b === undefined) return false;
  const place = a.findIndex((number, index) => number !== b[index]);
  return place >= 0 && (a[place] ?? 0) < (b[place] ?? 0);
}

/** `1.2.3`, with or without what follows a dash or a fourth number. */
function numbersOf(version: string | undefined): readonly number[] | undefined {
  const found = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?![\d])/.exec(version ?? '');
  return found === null ? undefined : found.slice(1).map(Number);
}
