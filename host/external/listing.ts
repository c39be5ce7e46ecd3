import { sum } from '../common/sum.ts';
import { type ModelName, modelNameOf } from '../protocol/model-name.ts';
import type { ModelSource } from '../protocol/model-sources.ts';
import type { Classification } from './classification.ts';
import type { ExternalModel } from './external-model.ts';
import type { FileHashCache } from './file-hash-cache.ts';
import type { Adopted } from './import-registry.ts';
import type { Findings } from './scan.ts';

/** A model that lies elsewhere, as it is offered. */
export interface ListedExternalModel extends ExternalModel {
  /** The id it is offered by: the hub's where it is known to be the hub's, else `local/…`. */
  readonly offered: ModelName;
  /** Bytes of all files. */
  readonly size: number;
  readonly classification: Exclude<Classification, { kind: 'rejected' }>;
  /** Its checksums were taken, and are those that its program or the hub has for it. */
  readonly verified: boolean;
}

/** A model of the hub that a program external and holds no more. */
export interface GoneModel {
  readonly name: ModelName;
  readonly source: ModelSource;
  readonly path: string;
}

/** Everything that was found. */
export interface ExternalListing {
  readonly models: readonly ListedExternalModel[];
  readonly gone: readonly GoneModel[];
  /** Files that are no models, and why. */
  readonly rejected: readonly { readonly source: ModelSource; readonly path: string; readonly reason: string }[];
  readonly folders: Findings['folders'];
  readonly problems: readonly string[];
  readonly complete: boolean;
}

/** What was found, and what is known of it. */
interface Found {
  readonly external: readonly ExternalModel[];
  readonly classifications: ReadonlyMap<ExternalModel, Classification>;
  /** Models of the hub that were found to be external, by id. */
  readonly adopted: ReadonlyMap<string, Adopted>;
  readonly book: FileHashCache;
}

/** Makes the list: each model under the best id that is known to be its own, and what was there once and is gone. */
export function arrange(found: Found): Pick<ExternalListing, 'models' | 'gone' | 'rejected'> {
  const { external, classifications, adopted, book } = found;
  const models: ListedExternalModel[] = [];
  const rejected: ExternalListing['rejected'][number][] = [];
  const gone: GoneModel[] = [];
  const taken = new Set<string>();
  const offer = (offered: ModelName, model: ExternalModel, classification: ListedExternalModel['classification']) => {
    taken.add(offered.id);
    models.push({ ...model, offered, classification, size: bytesOf(model), verified: isVerified(model, book) });
  };
  for (const [id, record] of adopted) {
    const name = modelNameOf(id);
    const model = external.find((one) => isSame(one, record, book));
    const classification = model === undefined ? undefined : classifications.get(model);
    if (name === undefined) continue;
    if (model === undefined) gone.push({ name, source: record.source, path: record.path });
    else if (classification !== undefined && classification.kind !== 'rejected') offer(name, model, classification);
  }
  const alreadyOffered = new Set(models.map(({ name }) => name.id));
  // In the order they were found, whatever order they were looked into: of two that claim an id, the first one has it.
  for (const model of external) {
    const { source, name, claimed } = model;
    const classification = classifications.get(model);
    if (classification === undefined) continue;
    if (classification.kind === 'rejected') {
      rejected.push({ source, path: model.files[0]?.path ?? '', reason: classification.reason });
    } else if (!alreadyOffered.has(name.id)) {
      const isSure = claimed !== undefined && hasChecksums(model) && !taken.has(claimed.id);
      offer(isSure ? claimed : name, model, classification);
    }
  }
  models.sort((a, b) => (a.offered.id < b.offered.id ? -1 : 1));
  return { models, gone: gone.filter(({ name }) => !taken.has(name.id)), rejected };
}

/** Says whether a model is the one that was adopted, by what is known without reading it. */
export function isSame({ files }: ExternalModel, record: Adopted, book: FileHashCache): boolean {
  return (
    files.length === record.files.length &&
    files.every((file, at) => {
      const { size, sha256 } = record.files[at] ?? {};
      return file.size === size && (book.sha256(file) ?? file.sha256) === sha256;
    })
  );
}

/** Says whether a program keeps the checksum of every file of a model. */
export function hasChecksums({ files }: ExternalModel): boolean {
  return files.every(({ sha256 }) => sha256 !== undefined);
}

/** Bytes of all files. */
export function bytesOf({ files }: ExternalModel): number {
  return sum(files.map(({ size }) => size));
}

function isVerified({ files }: ExternalModel, book: FileHashCache): boolean {
  return files.every((file) => file.sha256 !== undefined && file.sha256 === book.sha256(file));
}
