import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeJson } from '../common/atomic-write.ts';
import { FileLock } from '../common/file-lock.ts';
import type { Logger } from '../common/log.ts';
import { VERSION } from '../common/version.ts';
import type { Announcement } from './announcement.ts';

/**
 * Tells the other hosts of this user which models this one has in memory. A file in the folder of hosts says so, and a
 * lock that dies with the process says that it is still true. A host without models in memory has neither.
 */
export class Presence {
  readonly #log: Logger;
  readonly #file: string;
  readonly #startedAt = Date.now() / 1000;
  #lock: FileLock | undefined;
  /** One change after the other: the last one told is the last one written. */
  #written: Promise<void> = Promise.resolve();

  /** @param folder `HostPaths.hosts`. */
  constructor(folder: string, log: Logger) {
    this.#log = log;
    // Several hosts can live in one process.
    this.#file = join(folder, `${process.pid}-${randomBytes(4).toString('hex')}.json`);
  }

  /** Tells what is in memory now. A disk that refuses it is logged, and takes nothing from the load it tells of. */
  update(models: Announcement['models']): void {
    this.#written = this.#written
      .then(() => (models.length === 0 ? this.#withdraw() : this.#announce(models)))
      .catch((error: unknown) => this.#log.warn('presence.not-told', { error }));
  }

  /** Takes the announcement back. */
  async close(): Promise<void> {
    this.update([]);
    await this.#written;
  }

  async #announce(models: Announcement['models']): Promise<void> {
    this.#lock ??= FileLock.try(lockOf(this.#file));
    const announcement: Announcement = { pid: process.pid, version: VERSION, startedAt: this.#startedAt, models };
    await writeJson(this.#file, announcement);
  }

  async #withdraw(): Promise<void> {
    if (this.#lock === undefined) return;
    await rm(this.#file, { force: true });
    this.#lock.release();
    this.#lock = undefined;
    await rm(lockOf(this.#file), { force: true });
  }
}

/** The lock that says that an announcement is true. */
export function lockOf(file: string): string {
  return `${file}.lock`;
}
