import { chmod } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { BrowserName, Platform } from '../../manifests/browser.ts';
import { atomicWrite } from '../common/atomic-write.ts';
import { assertSafeFolder, assertSafeToStart, type SafetyOptions } from '../common/safe-folder.ts';
import { digest, lookAt, makeFolder } from './files.ts';
import { addEntries, entryOf, type RegistrationRecord, readRecord, replaceEntries, writeRecord } from './record.ts';
import { isSameValue, type RunReg, readKey, writeKey } from './registry.ts';
import { type FileTarget, type KeyTarget, locationOf, type Target } from './target.ts';

/**
 * The outcome for a target: `written`, it did not exist; `updated`, it was from an earlier installation; `replaced`, it
 * did not belong to TabAgent or had been changed; `unchanged`; `failed`.
 */
export type RegisterStatus = 'written' | 'updated' | 'replaced' | 'unchanged' | 'failed';

/** A target and its outcome. */
export interface RegisterOutcome {
  readonly status: RegisterStatus;
  /** A path or a registry key. */
  readonly where: string;
  /** Empty for the launcher. */
  readonly browsers: readonly BrowserName[];
  /** The error, if it failed. */
  readonly error?: unknown;
}

/** Options of {@link register}. */
export interface RegisterRequest extends SafetyOptions {
  readonly system: Platform;
  /** The targets in the order of writing: the launcher first, because manifests refer to it. */
  readonly targets: readonly Target[];
  /** Files that run when a browser starts the host, except the launcher. */
  readonly runs: readonly string[];
  /** Path of the record. The caller holds the lock of the registration. */
  readonly recordFile: string;
  /** Folders that were created for the record, the topmost first. */
  readonly created: readonly string[];
  readonly reg: RunReg;
}

/**
 * Writes targets and records them for `unregister`. It can be repeated, and interrupted at any time: the record is
 * written before the first target. If a manifest or key cannot be written, the others are still written.
 *
 * @throws HostError `UNSAFE_FOLDER` if other users could replace the program, `REGISTRATION_FAILED` if a program or the
 *   record cannot be used (nothing was written then); the system error if the record or the launcher cannot be written.
 */
export async function register(request: RegisterRequest): Promise<RegisterOutcome[]> {
  const { system, targets, recordFile, created } = request;
  if (system !== 'win32') await assertSafe(request);

  let record: RegistrationRecord = (await readRecord(recordFile)) ?? { version: 1, entries: [], folders: [] };
  const before = record;
  const updateRecord = async (change: Partial<RegistrationRecord>) => {
    record = { ...record, ...change };
    await writeRecord(recordFile, record);
  };
  await updateRecord({
    folders: [...record.folders, ...created],
    entries: addEntries(record, targets.map(entryOf)).entries,
  });

  const outcomes: RegisterOutcome[] = [];
  const failed: Target[] = [];
  for (const target of targets) {
    try {
      if (target.kind === 'file') {
        const folders = await makeFolder(dirname(target.path), target.folderMode);
        if (folders.length > 0) await updateRecord({ folders: [...record.folders, ...folders] });
      }
      const status = target.kind === 'file' ? await putFile(target, before) : await putKey(target, before, request.reg);
      outcomes.push({ status, where: locationOf(target), browsers: target.browsers });
    } catch (error) {
      // Without the launcher, every manifest would refer to a missing file.
      if (target.browsers.length === 0) throw error;
      failed.push(target);
      outcomes.push({ status: 'failed', where: locationOf(target), browsers: target.browsers, error });
    }
  }
  const done = targets.filter((target) => !failed.includes(target));
  const untouched = failed
    .map(locationOf)
    .filter((where) => !before.entries.some((entry) => locationOf(entry) === where));
  const kept = record.entries.filter((entry) => !untouched.includes(locationOf(entry)));
  await updateRecord({ entries: replaceEntries({ ...record, entries: kept }, done.map(entryOf)).entries });
  return outcomes;
}

/** Checks that other users cannot replace the programs that a browser would run, or the launcher. */
async function assertSafe({ runs, targets, owners }: RegisterRequest): Promise<void> {
  for (const file of runs) await assertSafeToStart(file, { owners });
  for (const target of targets) {
    if (target.kind === 'file' && (target.mode & 0o111) !== 0) await assertSafeFolder(dirname(target.path), { owners });
  }
}

async function putFile(target: FileTarget, before: RegistrationRecord): Promise<RegisterStatus> {
  const found = await lookAt(target.path);
  const sha256 = digest(target.contents);
  if (found?.sha256 === sha256) {
    if (found.mode === target.mode || process.platform === 'win32') return 'unchanged';
    await chmod(target.path, target.mode);
    return 'updated';
  }
  await atomicWrite(target.path, target.contents, target.mode);
  if (found === undefined) return 'written';
  const ours = before.entries.some(
    (entry) => entry.kind === 'file' && entry.path === target.path && entry.digests.includes(found.sha256 ?? ''),
  );
  return ours ? 'updated' : 'replaced';
}

async function putKey(target: KeyTarget, before: RegistrationRecord, reg: RunReg): Promise<RegisterStatus> {
  const found = await readKey(reg, target.key);
  if (found !== undefined && isSameValue(found, target.value)) return 'unchanged';
  await writeKey(reg, target.key, target.value);
  if (found === undefined) return 'written';
  const ours = before.entries.some(
    (entry) =>
      entry.kind === 'key' && entry.key === target.key && entry.values.some((value) => isSameValue(found, value)),
  );
  return ours ? 'updated' : 'replaced';
}
