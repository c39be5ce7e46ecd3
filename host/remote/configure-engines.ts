import { randomUUID } from 'node:crypto';
import { atomicWrite } from '../common/atomic-write.ts';
import { HostError, isHostError } from '../common/errors.ts';
import { withFileLock } from '../common/with-file-lock.ts';
import { type RemoteEngineEntry, readConfigFile, withRemoteEngines } from '../configuration/config-file.ts';
import { CONFIG_MODE } from '../configuration/config-text.ts';
import { type Endpoint, readEndpoint } from './endpoint.ts';

/** Most engines that messages can add. A list of engines asks each one whether it is reachable. */
const MAX_ENGINES = 32;

/** How long a confirmation can be given, in milliseconds. */
const CONFIRMATION_MS = 10 * 60 * 1000;

/** A question that waits for the user's confirmation. */
interface Question {
  readonly code: string;
  /** What was asked for, as JSON. */
  readonly entry: string;
  readonly expires: number;
}

/** Adds remote engines to the configuration file and removes them. */
export class ConfigureEngines {
  readonly #path: string;
  readonly #lock: string;
  /** Only the last one: a user answers one question at a time. */
  #question: Question | undefined;

  /** @param options The configuration file, and the file lock that hosts take to change it. */
  constructor({ path, lock }: { path: string; lock: string }) {
    this.#path = path;
    this.#lock = lock;
  }

  /**
   * Checks an entry, and returns its endpoint with the code that confirms adding exactly this entry.
   *
   * @throws HostError `INVALID_REQUEST` for an invalid URL, or a name that is taken; `CONFIG_UNUSABLE`.
   */
  async ask(entry: RemoteEngineEntry): Promise<{ endpoint: Endpoint; code: string }> {
    const endpoint = endpointOf(entry);
    assertFree(entry.name, await this.#entries());
    const code = randomUUID();
    this.#question = { code, entry: JSON.stringify(entry), expires: Date.now() + CONFIRMATION_MS };
    return { endpoint, code };
  }

  /**
   * Adds an entry that the user has confirmed.
   *
   * @param code From {@link ask}, for the same entry.
   * @throws HostError `INVALID_REQUEST` for another code or entry, or a name that is taken; `CONFIG_UNUSABLE`.
   */
  async add(entry: RemoteEngineEntry, code: string): Promise<Endpoint> {
    const question = this.#question;
    this.#question = undefined;
    if (question?.code !== code || question.entry !== JSON.stringify(entry) || Date.now() > question.expires) {
      throw new HostError(
        'INVALID_REQUEST',
        'The confirmation does not belong to this engine, or is too old. Send the request without it, and confirm again.',
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

  /** Removes an entry. Returns false if there is none of this name. @throws HostError `CONFIG_UNUSABLE`. */
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
