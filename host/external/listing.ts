import { sum } from '../common/sum.ts';
import { type ModelName, modelNameOf } from '../protocol/model-name.ts';
import type { ModelSource } from '../protocol/model-sources.ts';
import type { Classification } from './classification.ts';
import type { ExternalModel } from './external-model.ts';
import type { FileHashCache } from './file-hash-cache.ts';
import type { MatchedModel } from './import-registry.ts';
import type { ScanResult } from './scan.ts';

/** An external model in a list. */
export interface ListedExternalModel extends ExternalModel {
  /** The id under which it is listed: its name on the hub if that is certain, otherwise `local/…`. */
  readonly offered: ModelName;
  /** Total size of the files in bytes. */
  readonly size: number;
  readonly classification: Exclude<Classification, { kind: 'rejected' }>;
  /** Whether its checksums have been computed and match those of its program or the hub. */
  readonly verified: boolean;
}

/** A model of the hub that was found among external models but no longer exists there. */
export interface MissingModel {
  readonly name: ModelName;
  readonly source: ModelSource;
  readonly path: string;
}

/** The result of listing external models. */
export interface ExternalListing {
  readonly models: readonly ListedExternalModel[];
  readonly missing: readonly MissingModel[];
  /** Files that are not usable models, with reasons. */
  readonly rejected: readonly { readonly source: ModelSource; readonly path: string; readonly reason: string }[];
  readonly folders: ScanResult['folders'];
  readonly problems: readonly string[];
  readonly complete: boolean;
}

/** External models and what is known about them. */
interface ListingInput {
  readonly external: readonly ExternalModel[];
  readonly classifications: ReadonlyMap<ExternalModel, Classification>;
  /** Models of the hub that were matched with external models, by id. */
  readonly matched: ReadonlyMap<string, MatchedModel>;
  readonly hashCache: FileHashCache;
}

/** Returns the list: each model under its best confirmed id, rejected files, and matched models that are missing. */
export function arrangeListing(found: ListingInput): Pick<ExternalListing, 'models' | 'missing' | 'rejected'> {
  const { external, classifications, matched, hashCache } = found;
  const models: ListedExternalModel[] = [];
  const rejected: ExternalListing['rejected'][number][] = [];
  const missing: MissingModel[] = [];
  const taken = new Set<string>();
  const offer = (offered: ModelName, model: ExternalModel, classification: ListedExternalModel['classification']) => {
    taken.add(offered.id);
    models.push({ ...model, offered, classification, size: modelBytes(model), verified: isVerified(model, hashCache) });
  };
  for (const [id, record] of matched) {
    const name = modelNameOf(id);
    const model = external.find((one) => isMatched(one, record, hashCache));
    const classification = model === undefined ? undefined : classifications.get(model);
    if (name === undefined) continue;
    if (model === undefined) missing.push({ name, source: record.source, path: record.path });
    else if (classification !== undefined && classification.kind !== 'rejected') offer(name, model, classification);
  }
  const alreadyOffered = new Set(models.map(({ name }) => name.id));
  // Iterates in the order of the scan: of two models with the same claimed id, the first one found gets it.
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
  return { models, missing: missing.filter(({ name }) => !taken.has(name.id)), rejected };
}

/** Returns whether a model is the matched one, judging by sizes and by checksums that are known without reading it. */
export function isMatched({ files }: ExternalModel, record: MatchedModel, hashCache: FileHashCache): boolean {
  return (
    files.length === record.files.length &&
    files.every((file, at) => {
      const { size, sha256 } = record.files[at] ?? {};
      return file.size === size && (hashCache.sha256(file) ?? file.sha256) === sha256;
    })
  );
}

/** Returns whether a program stores the checksum of every file of a model. */
export function hasChecksums({ files }: ExternalModel): boolean {
  return files.every(({ sha256 }) => sha256 !== undefined);
}

/** Returns the total size of a model's files in bytes. */
export function modelBytes({ files }: ExternalModel): number {
  return sum(files.map(({ size }) => size));
}

function isVerified({ files }: ExternalModel, hashCache: FileHashCache): boolean {
  return files.every((file) => file.sha256 !== undefined && file.sha256 === hashCache.sha256(file));
}
