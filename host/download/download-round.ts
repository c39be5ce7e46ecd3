import type { Logger } from '../common/log.ts';
import type { HostLimits } from '../config.ts';
import { HubError, isTransient, UnusableRange } from '../hub/hub-error.ts';
import { isRequestedPause, MAX_WAIT_MS, pause, pauseBefore, type RetryPause } from '../hub/retry.ts';
import type { HubClient, RemoteFile } from '../hub/types.ts';
import { type ChunkGrid, ChunkQueue, type ChunkRun } from '../model-files/chunks.ts';
import type { StoredChecksum } from '../model-files/download-index.ts';
import { BufferedWrite } from './buffered-write.ts';
import type { ChunkCursor, CompleteChunk } from './chunk-cursor.ts';
import type { ConnectionPlan } from './connection-plan.ts';
import { Connection, slowConnections } from './connections.ts';
import type { PartialChunks } from './partial-chunks.ts';
import type { PartialFile } from './partial-file.ts';
import type { PrefixHash } from './prefix-hash.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { ChunkState } from './stored-chunk.ts';

/** Options for a round. */
export interface RoundOptions {
  readonly remote: RemoteFile;
  readonly grid: ChunkGrid;
  /** The state of each chunk. The round changes `missing` to `stored`. */
  readonly states: ChunkState[];
  /** The missing chunks that are partly on the disk. */
  readonly partial: PartialChunks;
  readonly file: PartialFile;
  readonly prefix: PrefixHash;
  readonly hub: HubClient;
  readonly limits: HostLimits;
  readonly log: Logger;
  readonly plan: ConnectionPlan;
  readonly rateLimiter: RateLimiter;
  /** Records a chunk on the disk in the index. */
  readonly record: (chunk: number, stored: StoredChecksum) => Promise<void>;
  /** Called with the number of bytes that were written or (negative) discarded. */
  readonly onBytes: (bytes: number) => void;
  /** Called when the number of open connections, or the pause of one of them, changes. */
  readonly onActivity: (activity: ConnectionActivity) => void;
  /** Called when a server did not specify which bytes it sent. */
  readonly onUnstated: () => void;
}

/** The state of a download's connections. */
export interface ConnectionActivity {
  /** Number of open connections. */
  readonly connections: number;
  /** The pause before the next attempt of a connection; undefined if none is pausing. */
  readonly pause: RetryPause | undefined;
}

/** The server does not support ranges, so one connection must download the file from the start. */
export class RangesIgnored extends Error {}

/** A stored chunk differs from the bytes that the server sends: from there on, the file on the disk is another one. */
export class StoredChunkDiffers extends Error {
  readonly chunk: number;

  constructor(chunk: number) {
    super(`chunk ${chunk} differs`);
    this.chunk = chunk;
  }
}

/** A connection was closed because others are much faster. */
class SlowConnection extends Error {}

/** Interval at which the rate of the connections is sampled, in milliseconds. */
const SAMPLE_MS = 400;

/** Number of unusable responses in a run after which no more ranges are requested. */
const MAX_UNUSABLE = 2;

/** Statuses with which servers limit the number of connections or requests. */
const REFUSALS: ReadonlySet<unknown> = new Set([403, 408, 429, 500, 502, 503, 504, 509]);

/** One pass over the missing chunks of a file. The plan determines the number of connections. */
export class DownloadRound {
  readonly #options: RoundOptions;
  readonly #queue: ChunkQueue;
  readonly #connections = new Set<Connection>();
  readonly #failed = new AbortController();
  readonly #stop: AbortSignal;
  readonly #ended = Promise.withResolvers<void>();
  readonly #ranges: boolean;
  #workers = 0;
  #hashing: Promise<number | undefined> = Promise.resolve(undefined);
  /**
   * Number of received bytes that are not recorded in the index: at most one chunk per connection. They are lost if the
   * host is killed.
   */
  #unrecorded = 0;
  /** Number of bytes received over connections that were closed since the last sample. */
  #closedBytes = 0;
  /** Whether any bytes have been received; a later refusal then does not concern the file. */
  #hasReceived = false;
  #pause: RetryPause | undefined;

  /** @param options.ranges Whether the server supports ranges. */
  constructor(options: RoundOptions & { readonly ranges: boolean; readonly signal: AbortSignal }) {
    const { states, partial, plan, ranges, signal } = options;
    this.#options = options;
    this.#ranges = ranges;
    this.#stop = AbortSignal.any([signal, this.#failed.signal]);
    const missing = [...states.keys()].filter((chunk) => states[chunk] === 'missing');
    // Without ranges, the file is received from its start, so partial chunks are useless.
    if (!ranges) options.onBytes(-partial.clear());
    this.#queue = new ChunkQueue(missing, plan.target, (chunk) => partial.has(chunk));
  }

  /**
   * Downloads all missing chunks, and extends the checksum of the whole file. Resolves with the number of a damaged
   * chunk if one was found; the next round downloads it again.
   *
   * @throws HostError if retrying does not help; {@link RangesIgnored}; {@link StoredChunkDiffers}; the signal's reason
   *   when aborted.
   */
  async run(): Promise<number | undefined> {
    this.#extendPrefix();
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      this.#sample(now - last);
      last = now;
    }, SAMPLE_MS);
    try {
      this.#startWorkers();
      if (this.#workers === 0) this.#ended.resolve();
      await this.#ended.promise;
    } finally {
      clearInterval(timer);
    }
    const bad = await this.#hashing.catch((error: unknown) => this.#failed.abort(error));
    this.#failed.signal.throwIfAborted();
    return bad ?? undefined;
  }

  /** Adds the received chunks to the checksum of the whole file. */
  #extendPrefix(): void {
    const { prefix, states } = this.#options;
    this.#hashing = this.#hashing.then((bad) => bad ?? prefix.advance(states, this.#stop));
    // An error while reading the file ends the round, which then throws it.
    this.#hashing.catch((error: unknown) => this.#failed.abort(error));
  }

  /** Starts workers, up to the planned number, while there are chunks in the queue. */
  #startWorkers(): void {
    const wanted = this.#ranges ? this.#options.plan.target : 1;
    while (this.#workers < wanted && this.#queue.size > 0 && !this.#stop.aborted) {
      this.#workers += 1;
      void this.#work()
        .catch((error: unknown) => this.#failed.abort(error))
        .then(() => {
          this.#workers -= 1;
          // The worker may have returned chunks to the queue when no other worker was running.
          this.#startWorkers();
          if (this.#workers === 0) this.#ended.resolve();
        });
      if (!this.#ranges) return;
    }
  }

  async #work(): Promise<void> {
    const { plan, grid, file, onBytes } = this.#options;
    const writer = new BufferedWrite(file, onBytes);
    if (!this.#ranges) {
      while (this.#queue.take() !== undefined);
      await this.#downloadRun({ first: 0, end: grid.count }, writer);
      return;
    }
    while (this.#isNeeded()) {
      this.#queue.workers = plan.target;
      const run = this.#queue.take();
      if (run === undefined || !(await this.#downloadRun(run, writer))) return;
    }
  }

  /** Returns whether a worker should continue. If there are too many, the slowest ones end. */
  #isNeeded(): boolean {
    const leaving = [...this.#connections].filter(({ isLeaving }) => isLeaving).length;
    return this.#workers - leaving <= this.#options.plan.target;
  }

  /** Samples the rates, updates the plan, and closes connections that should be replaced. */
  #sample(elapsedMs: number): void {
    let bytes = this.#closedBytes;
    this.#closedBytes = 0;
    for (const connection of this.#connections) bytes += connection.sample(elapsedMs);
    this.#reportActivity();
    if (this.#stop.aborted) return;
    void this.#options.file.assertIntact().catch((error: unknown) => this.#failed.abort(error));
    if (!this.#ranges) return;
    // The rate does not reflect the network near the end, when there is not enough work for all workers, and while
    // surplus workers have not ended yet.
    const { plan } = this.#options;
    if (this.#queue.size > 0 && this.#workers <= plan.target) plan.sample((bytes * 1000) / elapsedMs);
    for (const slow of slowConnections([...this.#connections])) {
      this.#options.log.info('download.slow-connection', { rate: Math.round(slow.rate) });
      slow.controller.abort(new SlowConnection());
    }
    const tooMany = this.#workers - plan.target;
    for (const [rank, connection] of [...this.#connections].sort((a, b) => a.rate - b.rate).entries())
      connection.isLeaving = rank < tooMany;
    this.#startWorkers();
  }

  /**
   * Downloads a run of chunks. Continues at the next byte after the connection was interrupted. Returns false if the
   * server rejects this connection but not the others; the remaining chunks are returned to the queue.
   */
  async #downloadRun(run: ChunkRun, writer: BufferedWrite): Promise<boolean> {
    const { remote, limits, log, partial, plan, file, onBytes } = this.#options;
    const cursor = await partial.start(run, file, (bytes) => onBytes(-bytes));
    const returnRest = () =>
      this.#queue.add(Array.from({ length: run.end - cursor.chunk }, (_, i) => cursor.chunk + i));
    const giveUp = async (reason: unknown): Promise<never> => {
      await this.#keepPartial(cursor, writer);
      throw reason;
    };
    let unusable = 0;
    let waitedMs = 0;
    for (let attempt = 0; !cursor.done; ) {
      const before = cursor.position;
      try {
        const endedEarly = await this.#stream(run, cursor, writer);
        if (!endedEarly) continue;
        returnRest();
        return true;
      } catch (error) {
        if (this.#stop.aborted) await giveUp(this.#stop.reason);
        const isSlow = error instanceof SlowConnection;
        const isRefused = isRefusal(error) && this.#hasReceived;
        const isOneTooMany = this.#ranges && this.#isOneTooMany(error);
        if (!isSlow && !isRefused && !isOneTooMany && !isTransient(error)) await giveUp(error);
        // Bytes that were received before the interruption are valid.
        await writer.flush().catch(giveUp);
        if (isSlow) continue;
        log.warn('download.retry', { file: remote.file, at: cursor.position, attempt, error });
        if (error instanceof UnusableRange) unusable += 1;
        if (unusable >= MAX_UNUSABLE) await giveUp(new RangesIgnored());
        if (isOneTooMany) {
          plan.refused(Math.min(plan.target, this.#workers) - 1);
          await this.#keepPartial(cursor, writer);
          returnRest();
          return false;
        }
        // Received bytes reset the number of attempts and the time spent waiting.
        if (cursor.position > before) [attempt, waitedMs] = [-1, 0];
        const pauseMs = pauseBefore(Math.max(0, attempt), error, limits);
        const isRequested = isRequestedPause(error);
        if (isRequested) waitedMs += pauseMs;
        else attempt += 1;
        if (attempt >= limits.maxAttempts || waitedMs > MAX_WAIT_MS) await giveUp(error);
        await this.#pauseFor(pauseMs, isRequested ? 'requested' : 'failed', error).catch(giveUp);
      }
    }
    return true;
  }

  /** Returns whether a server rejects an additional connection, but not the existing ones. */
  #isOneTooMany(error: unknown): boolean {
    const others = [...this.#connections];
    if (isRefusal(error)) return others.length > 0;
    return isTransient(error) && error.code === 'HUB_UNREACHABLE' && others.some(({ isReceiving }) => isReceiving);
  }

  async #pauseFor(ms: number, reason: RetryPause['reason'], error: unknown): Promise<void> {
    const current: RetryPause = { reason, error: error as HubError, until: Date.now() + ms };
    this.#pause = current;
    this.#reportActivity();
    try {
      await pause(ms, this.#stop);
    } finally {
      if (this.#pause === current) this.#pause = undefined;
      this.#reportActivity();
    }
  }

  #reportActivity(): void {
    this.#options.onActivity({ connections: this.#connections.size, pause: this.#pause });
  }

  /** Records the received part of the chunk in which a run ended, which a later run continues. */
  async #keepPartial(cursor: ChunkCursor, writer: BufferedWrite): Promise<void> {
    const { states, partial, record, log, remote, onBytes } = this.#options;
    const { chunk, bytesInChunk: bytes } = cursor;
    if (bytes === 0 || states[chunk] !== 'missing') return;
    try {
      await writer.flush();
      const sum = cursor.finish();
      await record(chunk, { sum, partialBytes: bytes });
      partial.add(chunk, { bytes, sum });
    } catch (error) {
      onBytes(writer.pendingBytes - bytes);
      log.info('download.partial-chunk-discarded', { file: remote.file, chunk, error });
    }
  }

  /** Receives bytes over one connection, from the cursor's position. Returns true if it ended early after a chunk. */
  async #stream(run: ChunkRun, cursor: ChunkCursor, writer: BufferedWrite): Promise<boolean> {
    const { hub, remote, grid, rateLimiter } = this.#options;
    const isWholeFile = run.first === 0 && run.end === grid.count;
    const connection = new Connection();
    const signal = AbortSignal.any([this.#stop, connection.controller.signal]);
    this.#connections.add(connection);
    try {
      const range = this.#ranges ? { start: cursor.position, end: grid.endOf(run.end - 1) } : undefined;
      const stream = await hub.openRange(remote, range, { signal });
      if (stream.isWholeFile && !isWholeFile) {
        await stream.body[Symbol.asyncIterator]().return?.();
        throw new RangesIgnored();
      }
      if (!stream.isStated) this.#options.onUnstated();
      let at = stream.start;
      for await (const bytes of stream.body) {
        signal.throwIfAborted();
        connection.add(bytes.length);
        connection.isReceiving = true;
        this.#hasReceived = true;
        await rateLimiter.take(bytes.length, signal);
        at += bytes.length;
        const fresh = Math.min(bytes.length, at - cursor.position);
        if (fresh > 0) await this.#write(cursor, bytes.subarray(bytes.length - fresh), writer, connection);
        // A server may send more than the range.
        if (cursor.done) break;
        if (connection.isLeaving && cursor.bytesInChunk === 0) return true;
      }
      return false;
    } finally {
      await connection.recording;
      this.#connections.delete(connection);
      this.#closedBytes += connection.sample(SAMPLE_MS);
    }
  }

  /**
   * Writes bytes chunk by chunk, and records each complete chunk. Returns early after a chunk if the connection ends.
   */
  async #write(cursor: ChunkCursor, bytes: Uint8Array, writer: BufferedWrite, connection: Connection): Promise<void> {
    const { states, grid } = this.#options;
    for (let rest = bytes; rest.length > 0 && !cursor.done; ) {
      const piece = rest.subarray(0, cursor.missingInChunk);
      rest = rest.subarray(piece.length);
      const isMissing = states[cursor.chunk] === 'missing';
      if (isMissing) {
        if (this.#unrecorded + piece.length > this.#workers * grid.chunkBytes) await connection.recording;
        this.#unrecorded += piece.length;
        await writer.add(piece, cursor.position);
      } else if (!(await this.#isStored(piece, cursor.position))) throw new StoredChunkDiffers(cursor.chunk);
      const complete = cursor.advance(piece);
      if (!isMissing) continue;
      if (complete === undefined) {
        await this.#recordPartial(cursor, writer, connection);
        continue;
      }
      await writer.flush();
      // This chunk is recorded while the next one is received.
      await connection.recording;
      connection.recording = this.#record(complete).catch((error: unknown) => this.#failed.abort(error));
      if (connection.isLeaving) return;
    }
  }

  /** Returns whether the file contains these bytes at `offset`. */
  async #isStored(bytes: Uint8Array, offset: number): Promise<boolean> {
    const stored = await this.#options.file.read(Buffer.allocUnsafe(bytes.length), offset, bytes.length);
    return stored.equals(bytes);
  }

  /** Periodically records the received part of the current chunk: if the host is killed, only seconds are lost. */
  async #recordPartial(cursor: ChunkCursor, writer: BufferedWrite, connection: Connection): Promise<void> {
    const { record, limits, log, remote } = this.#options;
    if (performance.now() - connection.partialRecordedAt < limits.recordPartialMs) return;
    await writer.flush();
    const { chunk, bytesInChunk: partialBytes } = cursor;
    try {
      await record(chunk, { sum: cursor.checksum(), partialBytes });
    } catch (error) {
      // Only needed if the host is killed. A persistent error is reported when the chunk is complete.
      log.info('download.partial-chunk-not-recorded', { file: remote.file, chunk, error });
    }
    connection.partialRecordedAt = performance.now();
  }

  /** Records a complete chunk that is on the disk. */
  async #record({ chunk, sum }: CompleteChunk): Promise<void> {
    const { states, grid, record, onBytes } = this.#options;
    try {
      await record(chunk, { sum, partialBytes: undefined });
    } catch (error) {
      onBytes(-grid.bytesOf(chunk));
      throw error;
    }
    this.#unrecorded -= grid.bytesOf(chunk);
    states[chunk] = 'stored';
    this.#extendPrefix();
  }
}

/** Returns whether a server rejected a request without a reason that concerns the file. */
function isRefusal(error: unknown): error is HubError {
  return error instanceof HubError && REFUSALS.has(error.details?.status) && error.details?.hubCode === undefined;
}
