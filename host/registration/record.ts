import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { BROWSER_NAMES } from '../../manifests/browser.ts';
import { atomicWrite } from '../common/atomic-write.ts';
import { HostError, isSystemError } from '../common/errors.ts';
import { parseJson } from '../common/json-limits.ts';
import { assertValid } from '../common/validate.ts';
import { digest } from './files.ts';
import { locationOf, type Target } from './target.ts';

const browsers = v.array(v.picklist(BROWSER_NAMES));

const FileEntrySchema = v.object({
  kind: v.literal('file'),
  path: v.string(),
  /** SHA-256 of the contents; several during an installation, when the file may have any of them. */
  digests: v.array(v.string()),
  browsers,
});

const KeyEntrySchema = v.object({
  kind: v.literal('key'),
  key: v.string(),
  /** Values of the key; several as for `digests`. */
  values: v.array(v.string()),
  browsers,
});

const RecordSchema = v.object({
  version: v.literal(1),
  entries: v.array(v.variant('kind', [FileEntrySchema, KeyEntrySchema])),
  /** Folders that were created, the topmost of each branch first. */
  folders: v.array(v.string()),
});

/** Record of everything that was written for browsers. Uninstalling removes exactly this. */
export type RegistrationRecord = v.InferOutput<typeof RecordSchema>;

/** A file or registry key that was written. */
export type RecordEntry = RegistrationRecord['entries'][number];

/** Reads the record; undefined if there is none. Throws `REGISTRATION_FAILED` if it is damaged. */
export async function readRecord(file: string): Promise<RegistrationRecord | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
  try {
    return assertValid(RecordSchema, parseJson(text));
  } catch (cause) {
    throw new HostError(
      'REGISTRATION_FAILED',
      `The installation record ${file} is damaged. Move it elsewhere, then run "tabagent install" again.`,
      { details: { path: file }, cause },
    );
  }
}

/** Writes the record. */
export async function writeRecord(file: string, record: RegistrationRecord): Promise<void> {
  await atomicWrite(file, `${JSON.stringify(record, null, 2)}\n`, RECORD_MODE);
}

/** Permissions of the record. It contains no secrets, and all users may read what is registered for all. */
const RECORD_MODE = 0o644;

/** Returns the entry for a target. */
export function entryOf(target: Target): RecordEntry {
  const browsers = [...target.browsers];
  return target.kind === 'file'
    ? { kind: 'file', path: target.path, digests: [digest(target.contents)], browsers }
    : { kind: 'key', key: target.key, values: [target.value], browsers };
}

/** Adds entries to a record. Keeps the recorded earlier contents of the same files. */
export function addEntries(record: RegistrationRecord, added: readonly RecordEntry[]): RegistrationRecord {
  const entries = new Map(record.entries.map((entry) => [locationOf(entry), entry]));
  for (const entry of added) entries.set(locationOf(entry), merged(entry, entries.get(locationOf(entry))));
  return { ...record, entries: [...entries.values()] };
}

/** Adds entries to a record, in place of existing ones for the same files and keys. */
export function replaceEntries(record: RegistrationRecord, written: readonly RecordEntry[]): RegistrationRecord {
  const entries = new Map(record.entries.map((entry) => [locationOf(entry), entry]));
  for (const entry of written) entries.set(locationOf(entry), entry);
  return { ...record, entries: [...entries.values()] };
}

function merged(entry: RecordEntry, known: RecordEntry | undefined): RecordEntry {
  if (entry.kind === 'file' && known?.kind === 'file') {
    return { ...entry, digests: [...new Set([...entry.digests, ...known.digests])] };
  }
  if (entry.kind === 'key' && known?.kind === 'key') {
    return { ...entry, values: [...new Set([...entry.values, ...known.values])] };
  }
  return entry;
}
