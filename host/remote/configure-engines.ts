import { randomUUID } from 'node:crypto';
import { atomicWrite } from '../common/atomic-write.ts';
import { HostError, isHostError } from '../common/errors.ts';
import { withFileLock } from '../common/with-file-lock.ts';
import { type RemoteEngineEntry, readConfigFile, withRemoteEngines } from '../configuration/config-file.ts';
import { CONFIG_MODE } from '../configuration/config-text.ts';
import { type Endpoint, readEndpoint } from './endpoint.ts';

/** Maximum number of engines that requests can add. Listing the engines sends a request to each. */
const MAX_ENGINES = 32;

/** How long an addition can be confirmed, in milliseconds. */
const CONFIRMATION_MS = 10 * 60 * 1000;

/** An addition that the user has not confirmed yet. */
interface PendingAddition {
  readonly code: string;
  /** The entry, as JSON. */
  readonly entry: string;
  readonly expires: number;
}

/** Adds remote engines to the configuration file and removes them. */
export class ConfigureEngines {
  readonly #path: string;
  readonly #lock: string;
  /** Only the last one: a user confirms one addition at a time. */
  #pending: PendingAddition | undefined;

  /** @param options Path of the configuration file, and of the lock that hosts acquire to change it. */
  constructor({ path, lock }: { path: string; lock: string }) {
    this.#path = path;
    this.#lock = lock;
  }

  /**
   * Checks an entry. Returns its endpoint and a code with which adding exactly this entry can be confirmed.
   *
   * @throws HostError `INVALID_REQUEST` for an invalid URL or an existing name; `CONFIG_UNUSABLE`.
   */
  async prepareAdd(entry: RemoteEngineEntry): Promise<{ endpoint: Endpoint; code: string }> {
    const endpoint = endpointOf(entry);
    assertFree(entry.name, await this.#entries());
    const code = randomUUID();
    this.#pending = { code, entry: JSON.stringify(entry), expires: Date.now() + CONFIRMATION_MS };
    return { endpoint, code };
  }

  /**
   * Adds an entry that the user has confirmed.
   *
   * @param code The code that {@link prepareAdd} returned for the same entry.
   * @throws HostError `INVALID_REQUEST` for another code or entry, or an existing name; `CONFIG_UNUSABLE`.
   */
  async add(entry: RemoteEngineEntry, code: string): Promise<Endpoint> {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending?.code !== code || pending.entry !== JSON.stringify(entry) || Date.now() > pending.expires) {
      throw new HostError(
        'INVALID_REQUEST',
        'The confirmation is for another engine or has expired. Send the request without it, then confirm again.',
        { details: { field: 'confirmation' } },
      );
    }
    const endpoint = endpointOf(entry);
    await this.#change((entries) => {
      assertFree(entry.name, entries);
      return [...entries, entry];
    });
    return endpoint;
  }

  /** Removes an entry. Returns false if there is no entry of this name. @throws HostError `CONFIG_UNUSABLE`. */
  async remove(name: string): Promise<boolean> {
    let isRemoved = false;
    await this.#change((entries) => {
      const others = entries.filter((entry) => entry.name !== name);
      isRemoved = others.length < entries.length;
      return others;
    });
    return isRemoved;
  }

  async #entries(): Promise<readonly RemoteEngineEntry[]> {
    return (await readConfigFile(this.#path)).remoteEngines ?? [];
  }

  async #change(change: (entries: readonly RemoteEngineEntry[]) => readonly RemoteEngineEntry[]): Promise<void> {
    await withFileLock(this.#lock, async () => {
      const before = await readConfigFile(this.#path);
      await atomicWrite(this.#path, withRemoteEngines(before, change(before.remoteEngines ?? [])), CONFIG_MODE.user);
    });
  }
}

function assertFree(name: string, entries: readonly RemoteEngineEntry[]): void {
  if (entries.some((entry) => entry.name === name)) {
    throw new HostError('INVALID_REQUEST', `There is a remote engine named "${name}". Choose another name.`, {
      details: { field: 'engine', engine: name },
    });
  }
  if (entries.length < MAX_ENGINES) return;
  throw new HostError('INVALID_REQUEST', `There are ${MAX_ENGINES} remote engines. Remove one first.`, {
    details: { field: 'engine', limit: MAX_ENGINES },
  });
}

function endpointOf(entry: RemoteEngineEntry): Endpoint {
  try {
    return readEndpoint(entry);
  } catch (error) {
    if (!isHostError(error, 'CONFIG_UNUSABLE')) throw error;
    throw new HostError('INVALID_REQUEST', error.message, { details: { field: 'url' } });
  }
}
