import { randomBytes } from 'node:crypto';
import { basename, join } from 'node:path';
import { writeJson } from '../common/atomic-write.ts';
import { FileLock } from '../common/file-lock.ts';
import { removeFile } from '../common/files-in-use.ts';
import type { Logger } from '../common/log.ts';
import { VERSION } from '../common/version.ts';
import type { HostPaths } from '../config.ts';
import type { Announcement } from './announcement.ts';

/** The folders of the announcements and their locks. */
export type PresencePaths = Pick<HostPaths, 'hosts' | 'locks'>;

/**
 * Announces the loaded models of this host to the user's other hosts: with a file in the folder of hosts, and a lock
 * that the system releases when the process ends. A host without loaded models that does not stay has neither.
 */
export class Presence {
  readonly #paths: PresencePaths;
  readonly #log: Logger;
  readonly #startedAt = Date.now() / 1000;
  /** Undefined while no model is loaded. */
  #current: { readonly file: string; readonly lock: FileLock } | undefined;
  /** Serializes changes: the last change must be written last. */
  #written: Promise<void> = Promise.resolve();

  constructor(paths: PresencePaths, log: Logger) {
    this.#paths = paths;
    this.#log = log;
  }

  /**
   * Announces the loaded models and the access to them. Logs a failure instead of throwing, because it must not affect
   * the load.
   *
   * @param about What else is announced; a host that stays is announced even without models.
   */
  update(
    models: Announcement['models'],
    about: Pick<Announcement, 'access' | 'program' | 'stays'> = {},
  ): Promise<void> {
    const isWithdrawn = models.length === 0 && about.stays !== true;
    this.#written = this.#written
      .then(() => (isWithdrawn ? this.#withdraw() : this.#announce({ ...about, models })))
      .catch((error: unknown) => this.#log.warn('presence.update-failed', { error }));
    return this.#written;
  }

  /** Withdraws the announcement. */
  async close(): Promise<void> {
    await this.update([]);
  }

  async #announce(own: Omit<Announcement, 'pid' | 'version' | 'startedAt'>): Promise<void> {
    this.#current ??= this.#start();
    const about = { pid: process.pid, version: VERSION, startedAt: this.#startedAt };
    await writeJson(this.#current.file, { ...about, ...own } satisfies Announcement);
  }

  /**
   * Locks a new file name. Names are not reused, because a process can contain several hosts, and another host may
   * remove the file of a withdrawn announcement while the next one is written.
   */
  #start(): { file: string; lock: FileLock } {
    const file = join(this.#paths.hosts, `${process.pid}-${randomBytes(8).toString('hex')}.json`);
    const lock = FileLock.try(lockOf(this.#paths, file));
    if (lock === undefined) throw new Error(`${file} is already locked`);
    return { file, lock };
  }

  async #withdraw(): Promise<void> {
    if (this.#current === undefined) return;
    const { file, lock } = this.#current;
    this.#current = undefined;
    try {
      await removeFile(file);
    } finally {
      lock.release();
    }
  }
}

/** Returns the path of an announcement's lock. The announcement is valid while it is locked. */
export function lockOf({ locks }: PresencePaths, file: string): string {
  return join(locks, `${basename(file)}.lock`);
}
