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
import { type ChecksumOptions, Checksums } from './checksums.ts';
import { classifyAll } from './classify-all.ts';
import { isExternalName } from './external-id.ts';
import type { ExternalModel } from './external-model.ts';
import { FileHashCache } from './file-hash-cache.ts';
import { ImportRegistry, type MatchedModel } from './import-registry.ts';
import { findImports, importFile } from './imports.ts';
import {
  arrangeListing,
  type ExternalListing,
  hasChecksums,
  isMatched,
  type ListedExternalModel,
  modelBytes,
} from './listing.ts';
import { type ScanResult, scan } from './scan.ts';

/** Time limit for reading other programs' folders for a list, in milliseconds. Models found by then are listed. */
const LISTING_TIMEOUT_MS = 3_000;

/**
 * Time limit for finding one model, and for a scan that the user requested, in milliseconds. Network drives can be slow
 * to respond.
 */
const SEARCH_TIMEOUT_MS = 30_000;

/** Options for {@link ExternalModels}. */
export interface ExternalModelsOptions {
  readonly config: { readonly paths: Pick<HostPaths, 'home' | 'locks'>; readonly env: HostConfig['env'] };
  readonly store: () => Promise<Store>;
  readonly log: Logger;
  /** @default the platform of this process */
  readonly platform?: NodeJS.Platform;
}

/** The models of other programs on this computer. Their files are only read: never written, moved or removed. */
export class ExternalModels {
  readonly #options: ExternalModelsOptions;
  readonly #hashCache: FileHashCache;
  readonly #checksums: Checksums;
  readonly #registry: ImportRegistry;

  constructor(options: ExternalModelsOptions) {
    this.#options = options;
    this.#hashCache = new FileHashCache(options.store, options.log);
    this.#checksums = new Checksums(this.#hashCache, options.log);
    this.#registry = new ImportRegistry(options.store, join(options.config.paths.locks, 'imports.lock'));
  }

  /** Lists all external models, and files that were rejected. Waits for slow disks for a limited time. */
  async list(options: { signal?: AbortSignal | undefined; thorough?: boolean } = {}): Promise<ExternalListing> {
    const limit = AbortSignal.timeout(options.thorough === true ? SEARCH_TIMEOUT_MS : LISTING_TIMEOUT_MS);
    const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]);
    const { models: external, folders, problems, complete } = await this.#scanAll(signal);
    const classifications = await classifyAll(external, this.#hashCache, signal);
    options.signal?.throwIfAborted();
    const matched = await this.#records(() => this.#registry.allMatched());

    const listing = arrangeListing({ external, classifications, matched, hashCache: this.#hashCache });
    return {
      ...listing,
      // Models on a disk that did not respond in time are not reported as missing.
      missing: complete ? listing.missing : [],
      folders,
      problems,
      complete: complete && classifications.size === external.length,
    };
  }

  /** Returns whether there are no external models. */
  async isEmpty(signal: AbortSignal): Promise<boolean> {
    return (await this.#search(signal)).length === 0;
  }

  /**
   * Returns the model with an id. This includes models that have this name on the hub according to their program, if
   * the program stores their checksums or `trustNames` is set.
   */
  async find(
    name: ModelName,
    options: { signal?: AbortSignal | undefined; trustNames?: boolean } = {},
  ): Promise<ExternalModel | undefined> {
    const models = await this.#search(options.signal);
    if (isExternalName(name)) return models.find((model) => model.name.id === name.id);
    const record = await this.#findMatched(name.id);
    if (record !== undefined) {
      await this.#hashCache.load(models.map(({ files }) => files));
      const model = models.find((one) => isMatched(one, record, this.#hashCache));
      if (model !== undefined) return model;
    }
    const claiming = models.filter(({ claimed }) => claimed?.id === name.id);
    return claiming.find(hasChecksums) ?? (options.trustNames === true ? claiming[0] : undefined);
  }

  /**
   * Compares a model's files with the checksums that its program stores. Does not read files again that have not
   * changed since they were last read.
   *
   * @throws HostError `CHECKSUM_MISMATCH`; `MODEL_NOT_DOWNLOADED` if a file was removed or changed; the signal's reason
   *   when aborted.
   */
  async verify(model: ExternalModel, options: ChecksumOptions = {}): Promise<void> {
    const known = model.files.filter(({ sha256 }) => sha256 !== undefined);
    const sums = await this.#checksums.compute(known, options);
    if (sums === undefined) throw fileChanged(model);
    known.forEach((file, at) => {
      if (sums[at] !== file.sha256) throw checksumMismatch(model, file.path, file.sha256, sums[at]);
    });
  }

  /**
   * Searches for a model whose files have the same sizes and SHA-256 checksums as files on the hub, and records it
   * under its name on the hub. Does not read files whose checksum according to their program differs.
   */
  async match(
    name: ModelName,
    remotes: readonly RemoteFile[],
    options: ChecksumOptions = {},
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
      const sums = await this.#checksums.compute(model.files, options);
      if (sums === undefined || !remotes.every(({ checksum }, at) => checksum.hex === sums[at])) continue;
      const classifications = await classifyAll(
        [model],
        this.#hashCache,
        options.signal ?? AbortSignal.timeout(SEARCH_TIMEOUT_MS),
      );
      const kind = classifications.get(model)?.kind;
      if (kind === undefined || kind === 'rejected') continue;
      const files = model.files.map(({ size }, at) => ({ size, sha256: sums[at] ?? '' }));
      const { source } = model;
      await this.#registry
        .addMatched(name.id, { files, source, path: model.files[0]?.path ?? '' })
        .catch((error: unknown) => {
          // The match is still valid, but the next search must request the checksums from the hub again.
          log.warn('external.match-not-saved', { id: name.id, error });
        });
      return model;
    }
    return undefined;
  }

  /**
   * Registers a model file of the user without copying it.
   *
   * @param kind What the file must be. Default: a model, or what belongs to one.
   * @throws HostError `INVALID_REQUEST`, `FILE_NOT_FOUND`, `MODEL_REJECTED`.
   */
  async import(path: string, signal: AbortSignal, kind?: 'adapter'): Promise<ListedExternalModel> {
    const { model, classification } = await importFile(path, { registry: this.#registry, signal, kind });
    await this.#hashCache.setClassification(model.files, classification);
    return { ...model, offered: model.name, classification, size: modelBytes(model), verified: false };
  }

  /** Removes an import; the file stays. Returns false if there is no import with this name. */
  async forget(name: ModelName): Promise<boolean> {
    const known = (await this.#registry.allImported()).has(name.id);
    if (known) await this.#registry.removeImported(name.id);
    return known;
  }

  async #search(signal: AbortSignal | undefined): Promise<readonly ExternalModel[]> {
    const limit = AbortSignal.timeout(SEARCH_TIMEOUT_MS);
    const { models } = await this.#scanAll(signal === undefined ? limit : AbortSignal.any([limit, signal]));
    signal?.throwIfAborted();
    return models;
  }

  async #scanAll(signal: AbortSignal): Promise<ScanResult> {
    const { config, platform: nodePlatform = process.platform } = this.#options;
    const platform = platformOf(nodePlatform);
    const [found, imported] = await Promise.all([
      scan({ platform, env: config.env, configFile: configFileIn(config.paths.home), signal }),
      this.#records(() => this.#registry.allImported()).then(findImports),
    ]);
    return { ...found, models: [...found.models, ...imported] };
  }

  async #findMatched(id: string): Promise<MatchedModel | undefined> {
    return (await this.#records(() => this.#registry.allMatched())).get(id);
  }

  /** Reads records from the database. Returns none if it is not available: models on the disk must still be usable. */
  async #records<T>(read: () => Promise<Map<string, T>>): Promise<Map<string, T>> {
    try {
      return await read();
    } catch (error) {
      this.#options.log.warn('external.records-unavailable', { error });
      return new Map();
    }
  }
}

function checksumMismatch(
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

function fileChanged({ source, title, files }: ExternalModel): HostError {
  return new HostError(
    'MODEL_NOT_DOWNLOADED',
    `${title} was changed or removed while it was being read, possibly by ${SOURCE_NAMES[source]}. Try again later.`,
    { details: { path: files[0]?.path, source } },
  );
}
