import { join } from 'node:path';
import { HostError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { platformOf } from '../common/platform.ts';
import type { HostConfig, HostPaths } from '../config.ts';
import { configFileIn } from '../configuration/config-text.ts';
import type { RemoteFile } from '../hub/types.ts';
import type { ModelName } from '../protocol/model-name.ts';
import { SOURCE_NAMES } from '../protocol/model-sources.ts';
import type { Store } from '../store/types.ts';
import { type CheckOptions, Checksums } from './checksums.ts';
import { classifyAll } from './classify-all.ts';
import { isExternalName } from './external-id.ts';
import type { ExternalModel } from './external-model.ts';
import { FileHashCache } from './file-hash-cache.ts';
import { type Adopted, ImportRegistry } from './import-registry.ts';
import { findImports, importFile } from './imports.ts';
import { arrange, bytesOf, type ExternalListing, hasChecksums, isSame, type ListedExternalModel } from './listing.ts';
import { type Findings, scan } from './scan.ts';

/** Longest a list waits for other programs' folders, milliseconds: what is found by then is listed. */
const LISTING_MS = 3_000;

/** Longest a search for one model, or a scan that was asked for, takes, milliseconds. Network drives are slow to wake. */
const SEARCH_MS = 30_000;

/** What the room is opened with. */
export interface ExternalModelsOptions {
  readonly config: { readonly paths: Pick<HostPaths, 'home' | 'locks'>; readonly env: HostConfig['env'] };
  readonly store: () => Promise<Store>;
  readonly log: Logger;
  /** @default the system this process runs on */
  readonly platform?: NodeJS.Platform;
}

/** The model files other programs hold on this disk. They are read, and never written, moved or removed. */
export class ExternalModels {
  readonly #options: ExternalModelsOptions;
  readonly #book: FileHashCache;
  readonly #checksums: Checksums;
  readonly #ledger: ImportRegistry;

  constructor(options: ExternalModelsOptions) {
    this.#options = options;
    this.#book = new FileHashCache(options.store, options.log);
    this.#checksums = new Checksums(this.#book, options.log);
    this.#ledger = new ImportRegistry(options.store, join(options.config.paths.locks, 'imports.lock'));
  }

  /** Everything there is, with what is no model. Waits for slow disks only so long. */
  async list(options: { signal?: AbortSignal | undefined; thorough?: boolean } = {}): Promise<ExternalListing> {
    const limit = AbortSignal.timeout(options.thorough === true ? SEARCH_MS : LISTING_MS);
    const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]);
    const { models: external, folders, problems, complete } = await this.#survey(signal);
    const classifications = await classifyAll(external, this.#book, signal);
    options.signal?.throwIfAborted();
    const adopted = await this.#records(() => this.#ledger.allAdopted());

    const listing = arrange({ external, classifications, adopted, book: this.#book });
    return {
      ...listing,
      // Of a disk that did not answer in time nothing is gone.
      gone: complete ? listing.gone : [],
      folders,
      problems,
      complete: complete && classifications.size === external.length,
    };
  }

  /** True where no program holds anything: then nothing else needs to be asked. */
  async isEmpty(signal: AbortSignal): Promise<boolean> {
    return (await this.#search(signal)).length === 0;
  }

  /**
   * The model an id stands for. One that its program says is the hub's counts when the program keeps its checksums,
   * or with `believe` in any case.
   */
  async find(
    name: ModelName,
    options: { signal?: AbortSignal | undefined; believe?: boolean } = {},
  ): Promise<ExternalModel | undefined> {
    const held = await this.#search(options.signal);
    if (isExternalName(name)) return held.find((model) => model.name.id === name.id);
    const record = await this.#adopted(name.id);
    if (record !== undefined) {
      await this.#book.recall(held.map(({ files }) => files));
      const model = held.find((one) => isSame(one, record, this.#book));
      if (model !== undefined) return model;
    }
    const claiming = held.filter(({ claimed }) => claimed?.id === name.id);
    return claiming.find(hasChecksums) ?? (options.believe === true ? claiming[0] : undefined);
  }

  /**
   * Reads a model's files once and compares them with the checksums its program has for them; those that were read
   * before and have not changed are not read again.
   *
   * @throws HostError `CHECKSUM_MISMATCH`, `MODEL_NOT_DOWNLOADED` when a file went away meanwhile; the signal's reason.
   */
  async verify(model: ExternalModel, options: CheckOptions = {}): Promise<void> {
    const known = model.files.filter(({ sha256 }) => sha256 !== undefined);
    const sums = await this.#checksums.of(known, options);
    if (sums === undefined) throw changed(model);
    known.forEach((file, at) => {
      if (sums[at] !== file.sha256) throw mismatch(model, file.path, file.sha256, sums[at]);
    });
  }

  /**
   * Looks for files that are what the hub announces: of the same sizes, and of the same SHA-256. What a program's own
   * checksum rules out is not read. One that is found is remembered under the hub's name.
   */
  async match(
    name: ModelName,
    remotes: readonly RemoteFile[],
    options: CheckOptions = {},
  ): Promise<ExternalModel | undefined> {
    if (remotes.some(({ checksum }) => checksum.algorithm !== 'sha256')) return undefined;
    const { log } = this.#options;
    const candidates = (await this.#search(options.signal))
      .filter(({ files }) => files.length === remotes.length)
      .filter(({ files }) =>
        files.every(({ size, sha256 }, at) => {
          const remote = remotes[at];
          return size === remote?.size && (sha256 === undefined || sha256 === remote.checksum.hex);
        }),
      )
      .sort((a, b) => Number(hasChecksums(b)) - Number(hasChecksums(a)));
    for (const model of candidates) {
      const sums = await this.#checksums.of(model.files, options);
      if (sums === undefined || !remotes.every(({ checksum }, at) => checksum.hex === sums[at])) continue;
      const classifications = await classifyAll([model], this.#book, options.signal ?? AbortSignal.timeout(SEARCH_MS));
      const kind = classifications.get(model)?.kind;
      if (kind !== 'model' && kind !== 'projector') continue;
      const files = model.files.map(({ size }, at) => ({ size, sha256: sums[at] ?? '' }));
      const { source } = model;
      await this.#ledger.adopt(name.id, { files, source, path: model.files[0]?.path ?? '' }).catch((error: unknown) => {
        // It is there all the same; the next one to ask has to ask the hub again.
        log.warn('local.not-remembered', { id: name.id, error });
      });
      return model;
    }
    return undefined;
  }

  /** Registers a file of the user's where it lies. Throws `INVALID_REQUEST`, `FILE_NOT_FOUND`, `MODEL_REJECTED`. */
  async import(path: string, signal: AbortSignal): Promise<ListedExternalModel> {
    const { model, classification } = await importFile(path, this.#ledger, signal);
    await this.#book.setClassification(model.files, classification);
    return { ...model, offered: model.name, classification, size: bytesOf(model), verified: false };
  }

  /** Forgets an import; the file stays. False when there is none of this name. */
  async forget(name: ModelName): Promise<boolean> {
    const known = (await this.#ledger.allImported()).has(name.id);
    if (known) await this.#ledger.forgetImported(name.id);
    return known;
  }

  async #search(signal: AbortSignal | undefined): Promise<readonly ExternalModel[]> {
    const limit = AbortSignal.timeout(SEARCH_MS);
    const { models } = await this.#survey(signal === undefined ? limit : AbortSignal.any([limit, signal]));
    signal?.throwIfAborted();
    return models;
  }

  async #survey(signal: AbortSignal): Promise<Findings> {
    const { config, platform: running = process.platform } = this.#options;
    const platform = platformOf(running);
    const [found, imported] = await Promise.all([
      scan({ platform, env: config.env, configFile: configFileIn(config.paths.home), signal }),
      this.#records(() => this.#ledger.allImported()).then(findImports),
    ]);
    return { ...found, models: [...found.models, ...imported] };
  }

  async #adopted(id: string): Promise<Adopted | undefined> {
    return (await this.#records(() => this.#ledger.allAdopted())).get(id);
  }

  /** Where the database cannot be had, what is on the disk still can. */
  async #records<T>(read: () => Promise<Map<string, T>>): Promise<Map<string, T>> {
    try {
      return await read();
    } catch (error) {
      this.#options.log.warn('local.no-records', { error });
      return new Map();
    }
  }
}

function mismatch(
  { source, title }: ExternalModel,
  path: string,
  expected: string | undefined,
  found: string | undefined,
) {
  return new HostError(
    'CHECKSUM_MISMATCH',
    `${title} is damaged: ${path} does not match the checksum recorded by ${SOURCE_NAMES[source]}. Download it again there, or delete it.`,
    { details: { path, source, expected, found } },
  );
}

function changed({ source, title, files }: ExternalModel): HostError {
  return new HostError(
    'MODEL_NOT_DOWNLOADED',
    `${title} was changed or removed while it was being read, possibly by ${SOURCE_NAMES[source]}. Try again later.`,
    { details: { path: files[0]?.path, source } },
  );
}
