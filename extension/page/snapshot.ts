import type { PayloadOf } from '../../host/protocol/messages.ts';
import type { ModelFacts } from './model-rows.ts';

/** What the host last reported, stored in `storage.local` so that a page can be drawn before the host answers. */
export interface Snapshot extends ModelFacts {
  readonly machine: PayloadOf<'GET_SYSTEM_RESOURCES'> | undefined;
  readonly memory: PayloadOf<'GET_MEMORY_USAGE'> | undefined;
}

/** The snapshot before the first contact with a host. */
export const EMPTY_SNAPSHOT: Snapshot = {
  available: [],
  downloaded: [],
  loaded: [],
  downloads: [],
  current: null,
  machine: undefined,
  memory: undefined,
};

/** The version of the stored format. A snapshot of another version is ignored. */
const VERSION = 3;

/** The key in `storage.local`. */
export const SNAPSHOT_KEY = 'snapshot';

/** The part of `browser.storage.local` that is used here. */
export interface Storage {
  get(key: string): Promise<Record<string, unknown>>;
  set(items: Record<string, unknown>): Promise<void>;
}

/** Reads the snapshot that the last open page stored. */
export async function loadSnapshot(storage: Storage): Promise<Snapshot> {
  const { [SNAPSHOT_KEY]: stored } = await storage.get(SNAPSHOT_KEY);
  if (typeof stored !== 'object' || stored === null || !('version' in stored) || stored.version !== VERSION) {
    return EMPTY_SNAPSHOT;
  }
  // Written below by this same version; only the extension can write to its storage.
  return { ...EMPTY_SNAPSHOT, ...(stored as unknown as { snapshot: Snapshot }).snapshot };
}

/** Stores the snapshot for the next page, without the loaded models, which end with the host. */
export async function saveSnapshot(storage: Storage, snapshot: Snapshot): Promise<void> {
  await storage.set({ [SNAPSHOT_KEY]: { version: VERSION, snapshot: { ...snapshot, loaded: [], current: null } } });
}
