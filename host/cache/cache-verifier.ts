import { errorInfo, HostError, isHostError } from '../common/errors.ts';
import { FileLock } from '../common/file-lock.ts';
import { modelNotDownloaded } from '../common/host-errors.ts';
import type { Logger } from '../common/log.ts';
import type { ProgressListener } from '../common/progress.ts';
import type { HostConfig } from '../config.ts';
import type { DownloadIndex } from '../download/download-index.ts';
import type { RateLimiter } from '../download/rate-limiter.ts';
import { repairModel } from '../download/repair-model.ts';
import { SpeedMeter } from '../download/speed-meter.ts';
import type { HubClient } from '../hub/types.ts';
import type { ErrorCode } from '../protocol/errors.ts';
import type { ModelName } from '../protocol/model-name.ts';
import { shardFiles } from '../protocol/shards.ts';
import { type CacheLayout, fileKey } from './layout.ts';
import { bytesOf, listNames } from './model-folders.ts';
import type { ModelLeases } from './model-leases.ts';
import { type CheckState, type VerifiedFile, verifyModel } from './verify-model.ts';

/** What came of checking, and perhaps mending, a model. */
export interface VerifiedModel {
  readonly name: ModelName;
  /** Of all files together: the worst of them. */
  readonly state: CheckState;
  readonly files: readonly VerifiedFile[];
  /** Bytes fetched to mend it; undefined where there was nothing to mend, or nobody asked for that. */
  readonly fetched?: number;
  /** Why it could not be checked or mended. */
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

/** How far a check, or the fetching that mends, has come; bytes of one model. */
export interface VerificationProgress {
  readonly doing: 'checking' | 'mending';
  readonly name: ModelName;
  readonly done: number;
  readonly total: number;
  readonly bytesPerSecond: number;
  /** Which model of how many, from 1. */
  readonly model: number;
  readonly models: number;
}

/** How a caller follows. */
export interface VerificationOptions {
  readonly signal: AbortSignal;
  readonly onProgress: ProgressListener<VerificationProgress>;
}

/** What the care of a cache is made with. */
export interface CacheVerifierOptions {
  readonly config: Pick<HostConfig, 'limits'>;
  readonly layout: CacheLayout;
  readonly index: DownloadIndex;
  readonly uses: ModelLeases;
  readonly hub: () => Promise<HubClient>;
  /** Shared by all downloads of the host. */
  readonly rateLimiter: RateLimiter;
  readonly log: Logger;
}

/** Worst first. */
const STATES: readonly CheckState[] = ['missing', 'bad', 'recorded', 'unchanged', 'good'];

/** Errors of a hub that cannot be asked at all: asking it again for the next file only takes time. */
const NO_HUB: readonly ErrorCode[] = ['OFFLINE', 'HUB_UNREACHABLE'];

/** Checks models on the disk against what is known of them, and mends them. */
export class CacheVerifier {
  readonly #parts: CacheVerifierOptions;
  readonly #running = new Set<{ readonly id: string | undefined; readonly controller: AbortController }>();

  constructor(parts: CacheVerifierOptions) {
    this.#parts = parts;
  }

  /**
   * Reads every file of a model, or of all models, and says what is wrong with it.
   *
   * @throws HostError `MODEL_NOT_DOWNLOADED`; `CANCELLED`; the signal's reason when aborted.
   */
  verify(name: ModelName | undefined, options: VerificationOptions): Promise<VerifiedModel[]> {
    return this.#run(name, options, (model, each) => this.#check(model, each));
  }

  /**
   * As {@link verify}, and mends what is bad or missing by fetching that alone. Of all models, one that cannot be mended
   * does not keep the others from it: its error stands beside it.
   *
   * @throws HostError for a single model also `MODEL_IN_USE` and what a download throws.
   */
  repair(name: ModelName | undefined, options: VerificationOptions): Promise<VerifiedModel[]> {
    return this.#run(name, options, (model, each) => this.#repair(model, each));
  }

  /** Gives up the checks and repairs of a model, or all of them; says how many there were. */
  cancel(name: ModelName | undefined): number {
    const running = [...this.#running].filter(({ id }) => name === undefined || id === name.id);
    for (const { controller } of running) {
      controller.abort(new HostError('CANCELLED', 'Verification was cancelled. Repairs made so far are kept.'));
    }
    return running.length;
  }

  async #run(
    name: ModelName | undefined,
    options: VerificationOptions,
    work: (model: ModelName, each: Each) => Promise<VerifiedModel>,
  ): Promise<VerifiedModel[]> {
    const run = { id: name?.id, controller: new AbortController() };
    const signal = AbortSignal.any([options.signal, run.controller.signal]);
    this.#running.add(run);
    try {
      const names = name === undefined ? await this.#everyName() : [name];
      if (name !== undefined) await this.#assertKnown(name);
      const hub = untilUnreachable(this.#parts.hub);
      const results: VerifiedModel[] = [];
      for (const [at, model] of names.entries()) {
        signal.throwIfAborted();
        const each = { signal, hub, onProgress: options.onProgress, model: at + 1, models: names.length };
        results.push(
          await work(model, each).catch((error: unknown) => {
            if (name !== undefined || signal.aborted || !isHostError(error)) throw error;
            return { name: model, state: 'bad' as const, files: [], error: errorInfo(error) };
          }),
        );
      }
      return results;
    } finally {
      this.#running.delete(run);
    }
  }

  async #check(name: ModelName, { signal, hub, onProgress, model, models }: Each): Promise<VerifiedModel> {
    const { layout, index, config } = this.#parts;
    const total = (await bytesOf(layout, name)) ?? 0;
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
        onProgress({ doing: 'checking', name, done, total, bytesPerSecond: speed.bytesPerSecond, model, models });
      },
    });
    return { name, files, state: worst(files.map(({ state }) => state)) };
  }

  async #repair(name: ModelName, each: Each): Promise<VerifiedModel> {
    const { layout, uses, config, log, index } = this.#parts;
    // Nobody may load it from here on: what is under its name may have to leave it.
    const alone = uses.takeAlone(name);
    if (alone === undefined) throw inUse(name, 'It is loaded. Unload it in every browser, then try again.');
    try {
      const lock = FileLock.try(layout.lockPath(name));
      if (lock === undefined) throw inUse(name, 'It is being downloaded. Wait for the download to finish.');
      try {
        const checked = await this.#check(name, each);
        if (checked.state !== 'bad' && checked.state !== 'missing') return checked;
        const { signal, onProgress, model, models } = each;
        const speed = new SpeedMeter();
        const { fetched } = await repairModel(name, checked.files, {
          layout,
          index,
          hub: each.hub,
          rateLimiter: this.#parts.rateLimiter,
          limits: config.limits,
          log,
          signal,
          onProgress: (done, total) => {
            speed.record(done);
            onProgress({ doing: 'mending', name, done, total, bytesPerSecond: speed.bytesPerSecond, model, models });
          },
        });
        return { ...checked, fetched };
      } finally {
        lock.release();
      }
    } finally {
      alone.release();
    }
  }

  /** Every model of which a file is there. */
  async #everyName(): Promise<ModelName[]> {
    return (await listNames(this.#parts.layout)).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async #assertKnown(name: ModelName): Promise<void> {
    const { layout, index } = this.#parts;
    if ((await bytesOf(layout, name)) !== undefined) return;
    for (const file of shardFiles(name.file)) if ((await index.file(fileKey(name, file))) !== undefined) return;
    throw modelNotDownloaded(name.id);
  }
}

interface Each {
  readonly signal: AbortSignal;
  readonly hub: () => Promise<HubClient>;
  readonly onProgress: ProgressListener<VerificationProgress>;
  readonly model: number;
  readonly models: number;
}

/** The same hub, which once it could not be reached is not asked again. */
function untilUnreachable(hub: () => Promise<HubClient>): () => Promise<HubClient> {
  let gone: HostError | undefined;
  return async () => {
    if (gone !== undefined) throw gone;
    const client = await hub();
    return {
      openRange: (remote, range, options) => client.openRange(remote, range, options),
      byteSource: (name, file, options) => client.byteSource(name, file, options),
      fileInfo: async (name, file, options) => {
        try {
          return await client.fileInfo(name, file, options);
        } catch (error) {
          if (isHostError(error, ...NO_HUB)) gone = error;
          throw error;
        }
      },
    };
  };
}

function worst(states: readonly CheckState[]): CheckState {
  return STATES.find((state) => states.includes(state)) ?? 'good';
}

function inUse({ id }: ModelName, why: string): HostError {
  return new HostError('MODEL_IN_USE', `${id} cannot be repaired now. ${why}`, { details: { models: [id] } });
}
