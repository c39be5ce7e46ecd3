import { rm } from 'node:fs/promises';
import type { BrowserName } from '../../manifests/browser.ts';
import { lookAt, removeIfEmpty } from './files.ts';
import { type RecordEntry, readRecord, writeRecord } from './record.ts';
import { withRegistrationLock } from './registration-lock.ts';
import { deleteKey, isSameValue, type RunReg, readKey } from './registry.ts';
import { FOLDER_MODE, locationOf } from './target.ts';

/**
 * The result for a registered item: `removed`; `gone`, it no longer existed; `kept`, it was changed after registration;
 * `failed`.
 */
export type UnregisterStatus = 'removed' | 'gone' | 'kept' | 'failed';

/** A registered item and its result. */
export interface UnregisterOutcome {
  readonly status: UnregisterStatus;
  /** A path or a registry key. */
  readonly where: string;
  readonly browsers: readonly BrowserName[];
  readonly error?: unknown;
}

/** Options of {@link unregister}. */
export interface UnregisterRequest {
  readonly recordFile: string;
  readonly reg: RunReg;
}

/**
 * Removes the recorded items that were not changed, then the record, then empty folders that the registration created.
 * Items that could not be removed remain in the record for the next attempt. Returns undefined if there is no record.
 *
 * @throws HostError `REGISTRATION_FAILED` if the record is invalid, or another process changes the registration.
 */
export async function unregister(options: UnregisterRequest): Promise<UnregisterOutcome[] | undefined> {
  const { recordFile } = options;
  // A computer without a registration is not changed.
  if ((await readRecord(recordFile)) === undefined) return undefined;
  const { outcomes, folders } = await withRegistrationLock(recordFile, FOLDER_MODE.user, () => removeRecorded(options));
  for (const folder of folders.toReversed()) await removeIfEmpty(folder);
  return outcomes;
}

/** Removes the recorded items and the record. Returns the outcomes, and the folders to remove if they are empty. */
async function removeRecorded({ recordFile, reg }: UnregisterRequest): Promise<{
  readonly outcomes: UnregisterOutcome[] | undefined;
  readonly folders: readonly string[];
}> {
  const record = await readRecord(recordFile);
  if (record === undefined) return { outcomes: undefined, folders: [] };

  const outcomes: UnregisterOutcome[] = [];
  const left: RecordEntry[] = [];
  // The launcher was written first and is removed last: until then, every manifest refers to an existing file.
  for (const entry of record.entries.toReversed()) {
    const about = { where: locationOf(entry), browsers: entry.browsers };
    try {
      outcomes.unshift({ ...about, status: await remove(entry, reg) });
    } catch (error) {
      left.unshift(entry);
      outcomes.unshift({ ...about, status: 'failed', error });
    }
  }
  if (left.length > 0) {
    await writeRecord(recordFile, { ...record, entries: left });
    return { outcomes, folders: [] };
  }
  await rm(recordFile, { force: true });
  return { outcomes, folders: record.folders };
}

async function remove(entry: RecordEntry, reg: RunReg): Promise<UnregisterStatus> {
  if (entry.kind === 'key') {
    const found = await readKey(reg, entry.key);
    if (found === undefined) return 'gone';
    if (!entry.values.some((value) => isSameValue(found, value))) return 'kept';
    await deleteKey(reg, entry.key);
    return 'removed';
  }
  const found = await lookAt(entry.path);
  if (found === undefined) return 'gone';
  if (found.sha256 === undefined || !entry.digests.includes(found.sha256)) return 'kept';
  await rm(entry.path);
  return 'removed';
}
