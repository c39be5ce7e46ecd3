import { rm, rmdir } from 'node:fs/promises';
import type { BrowserName } from '../../manifests/browser.ts';
import { isSystemError } from '../common/errors.ts';
import { lookAt } from './files.ts';
import { type RecordEntry, readRecord, writeRecord } from './record.ts';
import { deleteKey, isSameValue, type RunReg, readKey } from './registry.ts';
import { locationOf } from './target.ts';

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

/**
 * Removes the recorded items that were not changed, then the record, then empty folders that the registration created.
 * Items that could not be removed remain in the record for the next attempt. Returns undefined if there is no record.
 *
 * @throws HostError `REGISTRATION_FAILED` if the record is invalid.
 */
export async function unregister(options: {
  recordFile: string;
  reg: RunReg;
}): Promise<UnregisterOutcome[] | undefined> {
  const { recordFile, reg } = options;
  const record = await readRecord(recordFile);
  if (record === undefined) return undefined;

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
    return outcomes;
  }
  await rm(recordFile, { force: true });
  for (const folder of record.folders.toReversed()) await removeIfEmpty(folder);
  return outcomes;
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

/** Removes a folder if it exists and is empty. */
async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES', 'EBUSY')) throw error;
  }
}
