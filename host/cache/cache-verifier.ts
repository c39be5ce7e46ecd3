import { errorInfo, HostError, isHostError } from '../common/errors.ts';
import { FileLock } from '../common/file-lock.ts';
import { modelNotDownloaded } from '../common/host-errors.ts';
import type { Logger } from '../common/log.ts';
import type { ProgressListener } from '../common/progress.ts';
import type { HostConfig } from '../config.ts';
import type { RateLimiter } from '../download/rate-limiter.ts';
import { SpeedMeter } from '../download/speed-meter.ts';
import type { HubClient } from '../hub/types.ts';
import type { DownloadIndex } from '../model-files/download-index.ts';
import { type CacheLayout, fileKey } from '../model-files/layout.ts';
import { listModelNames, modelBytes } from '../model-files/model-folders.ts';
import type { ErrorCode } from '../protocol/errors.ts';
import type { ModelName } from '../protocol/model-name.ts';
import { shardFiles } from '../protocol/shards.ts';
import type { ModelLeases } from './model-leases.ts';
import { repairModel } from './repair-model.ts';
import { type CheckState, type VerifiedFile, verifyModel } from './verify-model.ts';

/** The result of verifying or repairing a model. */
export interface VerifiedModel {
  readonly name: ModelName;
  /** The worst state of all files. */
  readonly state: CheckState;
  readonly files: readonly VerifiedFile[];
  /** Bytes fetched to repair it; undefined if no repair was needed or requested. */
  readonly fetched?: number;
  /** The error that prevented verification or repair. */
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

/** Progress of a verification, or of the download that repairs a model. Sizes are bytes of one model. */
export interface VerificationProgress {
  readonly phase: 'verifying' | 'repairing';
  readonly name: ModelName;
  readonly done: number;
  readonly total: number;
  readonly bytesPerSecond: number;
  /** Number of the model, from 1, out of `models`. */
  readonly model: number;
  readonly models: number;
}

/** Options for verifying or repairing. */
export interface VerificationOptions {
  readonly signal: AbortSignal;
  readonly onProgress: ProgressListener<VerificationProgress>;
}

/** Options for {@link CacheVerifier}. */
export interface CacheVerifierOptions {
  readonly config: Pick<HostConfig, 'limits'>;
  readonly layout: CacheLayout;
  readonly index: DownloadIndex;
  readonly leases: ModelLeases;
  readonly hub: () => Promise<HubClient>;
  /** Rate limiter shared by all downloads of the host. */
  readonly rateLimiter: RateLimiter;
  readonly log: Logger;
}

/** All states, from worst to best. */
const WORST_FIRST: readonly CheckState[] = ['missing', 'bad', 'recorded', 'unchanged', 'good'];

/** Errors that mean that the hub cannot be reached, so requests for further files would fail as well. */
const UNREACHABLE_CODES: readonly ErrorCode[] = ['OFFLINE', 'HUB_UNREACHABLE'];

/** Verifies models on the disk against their recorded checksums, and repairs them. */
export class CacheVerifier {
  readonly #options: CacheVerifierOptions;

  constructor(options: CacheVerifierOptions) {
    this.#options = options;
  }

  /**
   * Reads every file of a model, or of all models, and returns which are damaged or missing.
   *
   * @throws HostError `MODEL_NOT_DOWNLOADED`; the signal's reason when aborted.
   */
  verify(name: ModelName | undefined, options: VerificationOptions): Promise<VerifiedModel[]> {
    return this.#run(name, options, (model, run) => this.#check(model, run));
  }

  /**
   * Verifies files like {@link verify}, and repairs damaged or missing ones by fetching only the affected chunks.
   * Without a name, the error of a model is part of its result, and the other models are still repaired.
   *
   * @throws HostError as {@link verify}; for a single model also `MODEL_IN_USE` and the errors of a download.
   */
  repair(name: ModelName | undefined, options: VerificationOptions): Promise<VerifiedModel[]> {
    return this.#run(name, options, (model, run) => this.#repair(model, run));
  }

  async #run(
    name: ModelName | undefined,
    options: VerificationOptions,
    work: (model: ModelName, run: ModelRun) => Promise<VerifiedModel>,
  ): Promise<VerifiedModel[]> {
    const { signal, onProgress } = options;
    const names = name === undefined ? await this.#allModelNames() : [name];
    if (name !== undefined) await this.#assertKnown(name);
    const hub = untilUnreachable(this.#options.hub);
    const results: VerifiedModel[] = [];
    for (const [position, model] of names.entries()) {
      signal.throwIfAborted();
      const run = { signal, hub, onProgress, model: position + 1, models: names.length };
      results.push(
        await work(model, run).catch((error: unknown) => {
          if (name !== undefined || signal.aborted || !isHostError(error)) throw error;
          return { name: model, state: 'bad' as const, files: [], error: errorInfo(error) };
        }),
      );
    }
    return results;
  }

  async #check(name: ModelName, { signal, hub, onProgress, model, models }: ModelRun): Promise<VerifiedModel> {
    const { layout, index, config } = this.#options;
    const total = (await modelBytes(layout, name)) ?? 0;
    const speed = new SpeedMeter();
    let done = 0;
    const files = await verifyModel(name, {
      layout,
      index,
      hub,
      chunkBytes: config.limits.chunkBytes,
      signal,
      onBytes: (bytes) => {
        done += bytes;
        speed.record(done);
        onProgress({ phase: 'verifying', name, done, total, bytesPerSecond: speed.bytesPerSecond, model, models });
      },
    });
    return { name, files, state: worst(files.map(({ state }) => state)) };
  }

  async #repair(name: ModelName, run: ModelRun): Promise<VerifiedModel> {
    const { layout, leases, config, log, index } = this.#options;
    // Prevents loading the model, because its files may be replaced.
    const exclusive = leases.takeExclusive(name);
    if (exclusive === undefined)
      throw cannotRepairNow(name, 'It is loaded. Unload it in every browser, then try again.');
    try {
      const lock = FileLock.try(layout.lockPath(name));
      if (lock === undefined) throw cannotRepairNow(name, 'It is being downloaded. Wait for the download to finish.');
      try {
        const verified = await this.#check(name, run);
        if (verified.state !== 'bad' && verified.state !== 'missing') return verified;
        const { signal, onProgress, model, models } = run;
        const speed = new SpeedMeter();
        const { fetched } = await repairModel(name, verified.files, {
          layout,
          index,
          hub: run.hub,
          rateLimiter: this.#options.rateLimiter,
          limits: config.limits,
          log,
          signal,
          onProgress: (done, total) => {
            speed.record(done);
            onProgress({ phase: 'repairing', name, done, total, bytesPerSecond: speed.bytesPerSecond, model, models });
          },
        });
        return { ...verified, fetched };
      } finally {
        lock.release();
      }
    } finally {
      exclusive.release();
    }
  }

  /** Returns every model with at least one file on the disk. */
  async #allModelNames(): Promise<ModelName[]> {
    return (await listModelNames(this.#options.layout)).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async #assertKnown(name: ModelName): Promise<void> {
    const { layout, index } = this.#options;
    if ((await modelBytes(layout, name)) !== undefined) return;
    for (const file of shardFiles(name.file)) if ((await index.file(fileKey(name, file))) !== undefined) return;
    throw modelNotDownloaded(name.id);
  }
}

interface ModelRun {
  readonly signal: AbortSignal;
  readonly hub: () => Promise<HubClient>;
  readonly onProgress: ProgressListener<VerificationProgress>;
  readonly model: number;
  readonly models: number;
}

/** Wraps a hub: after it could not be reached once, further requests fail immediately with the same error. */
function untilUnreachable(hub: () => Promise<HubClient>): () => Promise<HubClient> {
  let unreachable: HostError | undefined;
  return async () => {
    if (unreachable !== undefined) throw unreachable;
    const client = await hub();
    return {
      openRange: (remote, range, options) => client.openRange(remote, range, options),
      byteSource: (name, file, options) => client.byteSource(name, file, options),
      changedAt: (name, file, options) => client.changedAt(name, file, options),
      fileInfo: async (name, file, options) => {
        try {
          return await client.fileInfo(name, file, options);
        } catch (error) {
          if (isHostError(error, ...UNREACHABLE_CODES)) unreachable = error;
          throw error;
        }
      },
    };
  };
}

function worst(states: readonly CheckState[]): CheckState {
  return WORST_FIRST.find((state) => states.includes(state)) ?? 'good';
}

function cannotRepairNow({ id }: ModelName, why: string): HostError {
  return new HostError('MODEL_IN_USE', `${id} cannot be repaired now. ${why}`, { details: { models: [id] } });
}
