import type { ModelName } from '../protocol/model-name.ts';
import type { ModelSource } from '../protocol/model-sources.ts';
import type { FoundFile } from './disk.ts';

/** A file that a program says is a model or belongs to one, before anything in it was looked at. */
export interface ExternalFile extends FoundFile {
  /** Hex SHA-256, where the program keeps one. */
  readonly sha256?: string | undefined;
}

/** What a program holds: the files of one model, in order. */
export interface ExternalModel {
  readonly source: ModelSource;
  /** The id it always has: `local/<source>/…`. */
  readonly name: ModelName;
  /** What it is on the hub, by what the program says. */
  readonly claimed?: ModelName | undefined;
  /** What its program calls it. */
  readonly title: string;
  readonly files: readonly ExternalFile[];
}

/** What a reader makes of one folder, one by one, so that what was found counts even when time runs out. */
export type Reader = AsyncGenerator<ExternalModel>;
