/** A program that may use models: a website by its origin, or an extension by its id. */
export interface CallerId {
  readonly kind: 'site' | 'extension';
  readonly id: string;
}

/** The user's decision about a caller. */
export interface CallerEntry extends CallerId {
  /** `asked`: an extension has asked, and the user has not decided. */
  readonly state: 'allowed' | 'asked' | 'denied';
  /** The model it gets; null for the active one. */
  readonly model: string | null;
}

/** The settings about callers, as stored. */
export interface Access {
  readonly callers: readonly CallerEntry[];
  /** Whether a browser's own objects are left in place. */
  readonly keepsNative: boolean;
}

/** The key in `storage.local`. */
export const ACCESS = 'callerAccess';

/** Most callers that are stored. */
export const MAX_CALLERS = 500;

/** Most undecided extensions: others are refused without being listed. */
const MAX_ASKED = 10;

/** Longest id: an origin has at most 253 characters of a host name. */
const MAX_ID = 300;

export const NO_ACCESS: Access = { callers: [], keepsNative: false };

/** Reads the stored settings. Only the extension writes them, but it may have been an earlier version. */
export function parseAccess(stored: unknown): Access {
  if (typeof stored !== 'object' || stored === null || !('callers' in stored) || !Array.isArray(stored.callers)) {
    return NO_ACCESS;
  }
  const callers = stored.callers.filter(isEntry).slice(0, MAX_CALLERS);
  return { callers, keepsNative: 'keepsNative' in stored && stored.keepsNative === true };
}

function isEntry(value: unknown): value is CallerEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, id, state, model } = value as Record<string, unknown>;
  return (
    (kind === 'site' || kind === 'extension') &&
    typeof id === 'string' &&
    id.length <= MAX_ID &&
    (state === 'allowed' || state === 'asked' || state === 'denied') &&
    (model === null || typeof model === 'string')
  );
}

/** Returns the stored decision about a caller. */
export function entryOf({ callers }: Access, { kind, id }: CallerId): CallerEntry | undefined {
  return callers.find((entry) => entry.kind === kind && entry.id === id);
}

/** Stores a decision about a caller. */
export function withEntry(access: Access, entry: CallerEntry): Access {
  const before = entryOf(access, entry);
  if (before !== undefined)
    return { ...access, callers: access.callers.map((other) => (other === before ? entry : other)) };
  if (access.callers.length >= MAX_CALLERS) return access;
  return { ...access, callers: [...access.callers, entry] };
}

/** Removes the decision about a caller. */
export function withoutEntry(access: Access, { kind, id }: CallerId): Access {
  return { ...access, callers: access.callers.filter((entry) => entry.kind !== kind || entry.id !== id) };
}

/** Adds an extension that has asked; returns the same list if it is known, or if too many have asked. */
export function withAsked(access: Access, id: string): Access {
  const isKnown = entryOf(access, { kind: 'extension', id }) !== undefined;
  if (isKnown || access.callers.filter(({ state }) => state === 'asked').length >= MAX_ASKED) return access;
  return withEntry(access, { kind: 'extension', id, state: 'asked', model: null });
}

/**
 * Returns the origin of a page that may be allowed: one that was loaded securely, or from this computer. No browser offers
 * these APIs to others, because anybody on the network could change the page.
 */
export function originOf(url: string | undefined): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined;
  const { protocol, hostname, origin } = new URL(url);
  if (protocol === 'https:') return origin;
  const isLocal = hostname === 'localhost' || hostname === '127.0.0.1' || hostname.endsWith('.localhost');
  return protocol === 'http:' && isLocal ? origin : undefined;
}

/** Returns the host permission that a site needs. Match patterns cannot contain a port, so it covers all. */
export function patternOf(origin: string): string {
  const { protocol, hostname } = new URL(origin);
  return `${protocol}//${hostname}/*`;
}

/** The use of models by callers on one day. */
export interface Usage {
  /** The local day, as `2026-06-22`. */
  readonly day: string;
  readonly callers: Readonly<Record<string, { readonly requests: number; readonly tokens: number }>>;
}

/** The key in `storage.local`. */
export const USAGE = 'callerUsage';

/** Returns the local day of a time. */
export function dayOf(time: number): string {
  const date = new Date(time);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()]
    .map((part) => String(part).padStart(2, '0'))
    .join('-');
}

/** Reads the stored use of a day. */
export function parseUsage(stored: unknown, day: string): Usage {
  const empty = { day, callers: {} };
  if (typeof stored !== 'object' || stored === null || !('day' in stored) || stored.day !== day) return empty;
  // Written by this version; only the extension can write to its storage.
  return stored as Usage;
}
