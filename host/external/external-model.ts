import type { ModelName } from '../protocol/model-name.ts';
import type { ModelSource } from '../protocol/model-sources.ts';
import type { FoundFile } from './disk.ts';

/** A file that is a model or part of one, according to its program. Its content has not been read. */
export interface ExternalFile extends FoundFile {
  /** SHA-256 in hex, if the program stores one. */
  readonly sha256?: string | undefined;
}

/** A model of another program: its files, in order. */
export interface ExternalModel {
  readonly source: ModelSource;
  /** Its id: `local/<source>/…`. */
  readonly name: ModelName;
  /** Its name on the hub, according to the program. */
  readonly claimed?: ModelName | undefined;
  /** The program's name for it. */
  readonly title: string;
  readonly files: readonly ExternalFile[];
}

/** Yields the models of a folder one by one, so those found so far are kept when the time limit is reached. */
export type Reader = AsyncGenerator<ExternalModel>;
