import type { PayloadOf } from '../../host/protocol/messages.ts';
import type { ModelFacts } from './model-rows.ts';

/** What the host last said, as pages draw it; kept in `storage.local` so that a page is drawn before the host answers. */
export interface Known extends ModelFacts {
  readonly machine: PayloadOf<'GET_SYSTEM_RESOURCES'> | undefined;
  readonly memory: PayloadOf<'GET_MEMORY_USAGE'> | undefined;
}

/** Nothing was ever heard. */
export const NOTHING_KNOWN: Known = {
  available: [],
  downloaded: [],
  loaded: [],
  downloads: [],
  current: null,
  machine: undefined,
  memory: undefined,
};

/** The version of what is stored; what another version stored is not read. */
const VERSION = 1;

/** The key in `storage.local`. */
export const KNOWN_KEY = 'known';

/** Where it is kept (`browser.storage.local`). */
export interface Storage {
  get(key: string): Promise<Record<string, unknown>>;
  set(items: Record<string, unknown>): Promise<void>;
}

/** Reads what was known when a page was last open. */
export async function readKnown(storage: Storage): Promise<Known> {
  const { [KNOWN_KEY]: kept } = await storage.get(KNOWN_KEY);
  if (typeof kept !== 'object' || kept === null || !('version' in kept) || kept.version !== VERSION) {
    return NOTHING_KNOWN;
  }
  // Written by this very version, below; only the extension can write to its storage.
  return { ...NOTHING_KNOWN, ...(kept as unknown as { known: Known }).known };
}

/** Keeps what is known for the next page. Models in memory go with the host, so none are kept. */
export async function keepKnown(storage: Storage, known: Known): Promise<void> {
  await storage.set({ [KNOWN_KEY]: { version: VERSION, known: { ...known, loaded: [], current: null } } });
}
