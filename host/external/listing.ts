import { type ModelName, modelNameOf } from '../protocol/model-name.ts';
import type { LocalSource } from '../protocol/model-sources.ts';
import type { Verdict } from './classification.ts';
import type { HeldModel } from './external-model.ts';
import type { FileBook } from './file-hash-cache.ts';
import type { Adopted } from './import-registry.ts';
import type { Findings } from './scan.ts';

/** A model that lies elsewhere, as it is offered. */
export interface LocalModel extends HeldModel {
  /** The id it is offered by: the hub's where it is known to be the hub's, else `local/…`. */
  readonly offered: ModelName;
  /** Bytes of all files. */
  readonly size: number;
  readonly verdict: Exclude<Verdict, { kind: 'rejected' }>;
  /** Its checksums were taken, and are those that its program or the hub has for it. */
  readonly verified: boolean;
}

/** A model of the hub that a program held and holds no more. */
export interface GoneModel {
  readonly name: ModelName;
  readonly source: LocalSource;
  readonly path: string;
}

/** Everything that was found. */
export interface LocalListing {
  readonly models: readonly LocalModel[];
  readonly gone: readonly GoneModel[];
  /** Files that are no models, and why. */
  readonly rejected: readonly { readonly source: LocalSource; readonly path: string; readonly reason: string }[];
  readonly folders: Findings['folders'];
  readonly problems: readonly string[];
  readonly complete: boolean;
}

/** What was found, and what is known of it. */
interface Found {
  readonly held: readonly HeldModel[];
  readonly verdicts: ReadonlyMap<HeldModel, Verdict>;
  /** Models of the hub that were found to be held, by id. */
  readonly adopted: ReadonlyMap<string, Adopted>;
  readonly book: FileBook;
}

/** Makes the list: each model under the best id that is known to be its own, and what was there once and is gone. */
export function arrange(found: Found): Pick<LocalListing, 'models' | 'gone' | 'rejected'> {
  const { held, verdicts, adopted, book } = found;
  const models: LocalModel[] = [];
  const rejected: LocalListing['rejected'][number][] = [];
  const gone: GoneModel[] = [];
  const taken = new Set<string>();
  const offer = (offered: ModelName, model: HeldModel, verdict: LocalModel['verdict']) => {
    taken.add(offered.id);
    models.push({ ...model, offered, verdict, size: bytesOf(model), verified: isVerified(model, book) });
  };
  for (const [id, record] of adopted) {
    const name = modelNameOf(id);
    const model = held.find((one) => isSame(one, record, book));
    const verdict = model === undefined ? undefined : verdicts.get(model);
    if (name === undefined) continue;
    if (model === undefined) gone.push({ name, source: record.source, path: record.path });
    else if (verdict !== undefined && verdict.kind !== 'rejected') offer(name, model, verdict);
  }
  const alreadyOffered = new Set(models.map(({ name }) => name.id));
  // In the order they were found, whatever order they were looked into: of two that claim an id, the first one has it.
  for (const model of held) {
    const { source, name, claimed } = model;
    const verdict = verdicts.get(model);
    if (verdict === undefined) continue;
    if (verdict.kind === 'rejected') {
      rejected.push({ source, path: model.files[0]?.path ?? '', reason: verdict.reason });
    } else if (!alreadyOffered.has(name.id)) {
      const isSure = claimed !== undefined && hasChecksums(model) && !taken.has(claimed.id);
      offer(isSure ? claimed : name, model, verdict);
    }
  }
  models.sort((a, b) => (a.offered.id < b.offered.id ? -1 : 1));
  return { models, gone: gone.filter(({ name }) => !taken.has(name.id)), rejected };
}

/** Says whether a model is the one that was adopted, by what is known without reading it. */
export function isSame({ files }: HeldModel, record: Adopted, book: FileBook): boolean {
  return (
    files.length === record.files.length &&
    files.every((file, at) => {
      const { size, sha256 } = record.files[at] ?? {};
      return file.size === size && (book.sha256(file) ?? file.sha256) === sha256;
    })
  );
}

/** Says whether a program keeps the checksum of every file of a model. */
export function hasChecksums({ files }: HeldModel): boolean {
  return files.every(({ sha256 }) => sha256 !== undefined);
}

/** Bytes of all files. */
export function bytesOf({ files }: HeldModel): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

function isVerified({ files }: HeldModel, book: FileBook): boolean {
  return files.every((file) => file.sha256 !== undefined && file.sha256 === book.sha256(file));
}
