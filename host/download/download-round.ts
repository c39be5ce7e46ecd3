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
  /** State of each chunk; the round changes `missing` to `stored`. */
  readonly states: ChunkState[];
  /** Of the missing chunks, those with some bytes on the disk. */
  readonly partial: PartialChunks;
  readonly file: PartialFile;
  readonly prefix: PrefixHash;
  readonly hub: HubClient;
  readonly limits: HostLimits;
  readonly log: Logger;
  readonly plan: ConnectionPlan;
  readonly rateLimiter: RateLimiter;
  /** Records a chunk that is on the disk in the index. */
  readonly record: (chunk: number, stored: StoredChecksum) => Promise<void>;
  /** Called with the number of bytes written, or discarded again (negative). */
  readonly onBytes: (bytes: number) => void;
  /** Called with the number of open connections, and with the pause of one of them, when they change. */
  readonly onActivity: (activity: ConnectionActivity) => void;
  /** Called when a server did not say which bytes it sent. */
  readonly onUnstated: () => void;
}

/** What the connections of a download do. */
export interface ConnectionActivity {
  /** Number of open connections. */
  readonly connections: number;
  /** The pause before the next attempt of a connection; undefined while none pauses. */
  readonly pause: RetryPause | undefined;
}

/** The server does not send the ranges that are requested: one connection downloads the file from the start. */
export class RangesIgnored extends Error {}

/** A stored chunk is not what the server sends: the file on the disk is a different one from there on. */
export class StoredChunkDiffers extends Error {
  readonly chunk: number;

  constructor(chunk: number) {
    super(`chunk ${chunk} differs`);
    this.chunk = chunk;
  }
}

/** A connection was closed because others are much faster. */
class SlowConnection extends Error {}

/** Interval between two samples of the connections' speed, in milliseconds. */
const SAMPLE_MS = 400;

/** Number of unusable responses to range requests of one run after which no more ranges are requested. */
const MAX_UNUSABLE = 2;

/** Statuses with which servers limit the number of connections or requests. */
const REFUSALS: ReadonlySet<unknown> = new Set([403, 408, 429, 500, 502, 503, 504, 509]);

/** One pass over all missing chunks of a file, with as many connections as the plan says. */
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
   * Bytes that arrived but are not in the index: at most one chunk per connection. They are lost if the host is killed.
   */
  #unrecorded = 0;
  /** Bytes of connections that were closed since the last sample. */
  #closedBytes = 0;
  /** Whether the server has sent any bytes, so that a refusal is not about the file. */
  #hasReceived = false;
  #pause: RetryPause | undefined;

  /** @param options.ranges False for a server that sends only whole files. */
  constructor(options: RoundOptions & { readonly ranges: boolean; readonly signal: AbortSignal }) {
    const { states, partial, plan, ranges, signal } = options;
    this.#options = options;
    this.#ranges = ranges;
    this.#stop = AbortSignal.any([signal, this.#failed.signal]);
    const missing = [...states.keys()].filter((chunk) => states[chunk] === 'missing');
    // A whole file arrives from its start.
    if (!ranges) options.onBytes(-partial.clear());
    this.#queue = new ChunkQueue(missing, plan.target, (chunk) => partial.has(chunk));
  }

  /**
   * Downloads all missing chunks, and computes the checksum behind them. Resolves with the number of a damaged chunk,
   * if there is one, which is left to the next round.
   *
   * @throws HostError when retrying does not help; {@link RangesIgnored}; the signal's reason when aborted.
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

  /** Adds what arrived to the checksum of the whole file. */
  #extendPrefix(): void {
    const { prefix, states } = this.#options;
    this.#hashing = this.#hashing.then((bad) => bad ?? prefix.advance(states, this.#stop));
    // An error while reading back ends the round, which throws it at its end.
    this.#hashing.catch((error: unknown) => this.#failed.abort(error));
  }

  /** Starts workers up to the planned number, as long as there is work. */
  #startWorkers(): void {
    const wanted = this.#ranges ? this.#options.plan.target : 1;
    while (this.#workers < wanted && this.#queue.size > 0 && !this.#stop.aborted) {
      this.#workers += 1;
      void this.#work()
        .catch((error: unknown) => this.#failed.abort(error))
        .then(() => {
          this.#workers -= 1;
          // A worker that left may have returned chunks when no other worker was there to take them.
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

  /** Returns whether a worker should continue, given that the slowest ones leave when there are too many. */
  #isNeeded(): boolean {
    const leaving = [...this.#connections].filter(({ isLeaving }) => isLeaving).length;
    return this.#workers - leaving <= this.#options.plan.target;
  }

  /** Samples the speed, updates the plan, and closes connections that should be replaced. */
  #sample(elapsedMs: number): void {
    let bytes = this.#closedBytes;
    this.#closedBytes = 0;
    for (const connection of this.#connections) bytes += connection.sample(elapsedMs);
    this.#reportActivity();
    if (this.#stop.aborted) return;
    void this.#options.file.assertIntact().catch((error: unknown) => this.#failed.abort(error));
    if (!this.#ranges) return;
    // Near the end there is not enough work for all, and some have not left yet: that says nothing about the network.
    const { plan } = this.#options;
    if (this.#queue.size > 0 && this.#workers <= plan.target) plan.sample((bytes * 1000) / elapsedMs);
    for (const slow of slowConnections([...this.#connections])) {
      this.#options.log.info('download.slow-connection', { rate: Math.round(slow.rate) });
      slow.controller.abort(new SlowConnection());
    }
    const tooMany = this.#workers - plan.target;
    for (const [place, connection] of [...this.#connections].sort((a, b) => a.rate - b.rate).entries())
      connection.isLeaving = place < tooMany;
    this.#startWorkers();
  }

  /**
   * Downloads a run of chunks. After a broken connection it continues at the next byte. Returns false if the server
   * refuses this connection but not the others; the rest of the run is then left to them.
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
        const hasLeft = await this.#stream(run, cursor, writer);
        if (!hasLeft) continue;
        returnRest();
        return true;
      } catch (error) {
        if (this.#stop.aborted) await giveUp(this.#stop.reason);
        const isSlow = error instanceof SlowConnection;
        const isRefused = isRefusal(error) && this.#hasReceived;
        const isOneTooMany = this.#ranges && this.#isOneTooMany(error);
        if (!isSlow && !isRefused && !isOneTooMany && !isTransient(error)) await giveUp(error);
        // Bytes that arrived before the connection broke are good.
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
        // Only attempts without any bytes count as failures, and only pauses without any in between.
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

  /** Returns whether a server refuses one more connection, but not the others. */
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

  /** Keeps the beginning of the chunk in which a run ended, for the next download to continue. */
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

  /** Receives bytes over one connection, from the cursor's position. Returns true if it left between two chunks. */
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

  /** Writes bytes chunk by chunk, and records each complete chunk. A leaving connection stops after a chunk. */
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
      // The next chunk arrives while this one is recorded.
      await connection.recording;
      connection.recording = this.#record(complete).catch((error: unknown) => this.#failed.abort(error));
      if (connection.isLeaving) return;
    }
  }

  /** Returns whether the file has these bytes already. */
  async #isStored(bytes: Uint8Array, offset: number): Promise<boolean> {
    const stored = await this.#options.file.read(Buffer.allocUnsafe(bytes.length), offset, bytes.length);
    return stored.equals(bytes);
  }

  /** Records what arrived of the current chunk, from time to time, so that a kill of the host costs only seconds. */
  async #recordPartial(cursor: ChunkCursor, writer: BufferedWrite, connection: Connection): Promise<void> {
    const { record, limits, log, remote } = this.#options;
    if (performance.now() - connection.partialRecordedAt < limits.recordPartialMs) return;
    await writer.flush();
    const { chunk, bytesInChunk: partialBytes } = cursor;
    try {
      await record(chunk, { sum: cursor.checksum(), partialBytes });
    } catch (error) {
      // Only a kill would miss it. An error that lasts is reported when the chunk is complete.
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

/** Returns whether a server refused a request without a reason that concerns the file. */
function isRefusal(error: unknown): error is HubError {
  return error instanceof HubError && REFUSALS.has(error.details?.status) && error.details?.hubCode === undefined;
}
