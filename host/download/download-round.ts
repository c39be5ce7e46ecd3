import { HostError, isHostError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import type { HostLimits } from '../config.ts';
import { isTransient } from '../hub/hub-fault.ts';
import { pause, pauseBefore } from '../hub/retry.ts';
import type { HubClient, RemoteFile } from '../hub/types.ts';
import { BufferedWrite } from './buffered-write.ts';
import type { ChunkCursor, WholeChunk } from './chunk-cursor.ts';
import { type ChunkGrid, ChunkQueue, type ChunkRun } from './chunks.ts';
import type { ConnectionPlan } from './connection-plan.ts';
import { Connection, slowConnections } from './connections.ts';
import type { StoredChecksum } from './download-index.ts';
import type { PartialChunks } from './partial-chunks.ts';
import type { PartialFile } from './partial-file.ts';
import type { PrefixHash } from './prefix-hash.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { ChunkState } from './stored-chunk.ts';

/** What a round works with. */
export interface RoundOptions {
  readonly remote: RemoteFile;
  readonly grid: ChunkGrid;
  /** Where each chunk stands; the round changes `missing` to `stored`. */
  readonly states: ChunkState[];
  /** Of those that are missing, the ones of which some bytes are there. */
  readonly begun: PartialChunks;
  readonly file: PartialFile;
  readonly prefix: PrefixHash;
  readonly hub: HubClient;
  readonly limits: HostLimits;
  readonly log: Logger;
  readonly plan: ConnectionPlan;
  readonly allowance: RateLimiter;
  /** Enters a chunk that is on the disk. */
  readonly enter: (chunk: number, stored: StoredChecksum) => Promise<void>;
  /** Hears of bytes written, and of bytes given up again (less than zero). */
  readonly onBytes: (bytes: number) => void;
}

/** The hub sent the whole file where a range was asked for: one connection has to do, from the front. */
export class RangesIgnored extends Error {}

/** A connection was ended because others are much quicker. */
class TooSlow extends Error {}

/** Between two looks at what the connections bring, milliseconds. */
const LOOK_MS = 400;

/** Refusals within this time of each other are one: all connections hear them at once. Milliseconds. */
const ONE_REFUSAL_MS = 2_000;

/** One round over all chunks of a file that are missing: as many connections as the plan says, until there are none left. */
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
  /** Bytes that came and would have to come again if the host died now: never more than a chunk for each connection. */
  #notEntered = 0;
  /** Bytes of connections that ended since the last look. */
  #bytesOfEnded = 0;
  #refusedAt = Number.NEGATIVE_INFINITY;

  /** @param options.ranges False for a hub that sends whole files only. */
  constructor(options: RoundOptions & { readonly ranges: boolean; readonly signal: AbortSignal }) {
    const { states, begun, plan, ranges, signal } = options;
    this.#options = options;
    this.#ranges = ranges;
    this.#stop = AbortSignal.any([signal, this.#failed.signal]);
    const missing = [...states.keys()].filter((chunk) => states[chunk] === 'missing');
    // A whole file comes from its front.
    if (!ranges) options.onBytes(-begun.clear());
    this.#queue = new ChunkQueue(missing, plan.target, (chunk) => begun.has(chunk));
  }

  /**
   * Fetches all that is missing, while the checksum is taken behind it. Resolves with the number of a chunk that is not
   * what the index says, which waits for the next round.
   *
   * @throws HostError what cannot be mended by trying again; {@link RangesIgnored}; the signal's reason when aborted.
   */
  async run(): Promise<number | undefined> {
    this.#extendPrefix();
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      this.#look(now - last);
      last = now;
    }, LOOK_MS);
    try {
      this.#hire();
      if (this.#workers === 0) this.#ended.resolve();
      await this.#ended.promise;
    } finally {
      clearInterval(timer);
    }
    const bad = await this.#hashing.catch((error: unknown) => this.#failed.abort(error));
    this.#failed.signal.throwIfAborted();
    return bad ?? undefined;
  }

  /** Takes what has come into the checksum of the whole. */
  #extendPrefix(): void {
    const { prefix, states } = this.#options;
    this.#hashing = this.#hashing.then((bad) => bad ?? prefix.advance(states, this.#stop));
    // A fault of reading back ends the round; it is thrown at its end.
    this.#hashing.catch((error: unknown) => this.#failed.abort(error));
  }

  /** Brings the workers to the planned number, as far as there is work. */
  #hire(): void {
    const wanted = this.#ranges ? this.#options.plan.target : 1;
    while (this.#workers < wanted && this.#queue.size > 0 && !this.#stop.aborted) {
      this.#workers += 1;
      void this.#work()
        .catch((error: unknown) => this.#failed.abort(error))
        .then(() => {
          this.#workers -= 1;
          // One that left may have put chunks back when no other was there to take them.
          this.#hire();
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
      return this.#fetchRun({ first: 0, end: grid.count }, writer);
    }
    while (this.#hasPlace()) {
      this.#queue.workers = plan.target;
      const run = this.#queue.take();
      if (run === undefined) return;
      await this.#fetchRun(run, writer);
    }
  }

  /** Whether a worker that has nothing to do is wanted, now that the slowest are leaving where there are too many. */
  #hasPlace(): boolean {
    const leaving = [...this.#connections].filter(({ isLeaving }) => isLeaving).length;
    return this.#workers - leaving <= this.#options.plan.target;
  }

  /** Looks at what came, has the plan learn of it, and ends connections that others would replace for the better. */
  #look(elapsedMs: number): void {
    let bytes = this.#bytesOfEnded;
    this.#bytesOfEnded = 0;
    for (const connection of this.#connections) bytes += connection.sample(elapsedMs);
    if (!this.#ranges || this.#stop.aborted) return;
    // Towards the end there is not enough to do for all, and some may not have left yet: that says nothing of the line.
    const { plan } = this.#options;
    if (this.#queue.size > 0 && this.#workers <= plan.target) plan.look((bytes * 1000) / elapsedMs);
    for (const slow of slowConnections([...this.#connections])) {
      this.#options.log.info('download.slow-connection', { rate: Math.round(slow.rate) });
      slow.controller.abort(new TooSlow());
    }
    const tooMany = this.#workers - plan.target;
    for (const [place, connection] of [...this.#connections].sort((a, b) => a.rate - b.rate).entries())
      connection.isLeaving = place < tooMany;
    this.#hire();
  }

  /** Fetches a run of chunks, going on after a broken connection from the byte it came to. */
  async #fetchRun(run: ChunkRun, writer: BufferedWrite): Promise<void> {
    const { remote, limits, log, begun, file, onBytes } = this.#options;
    const cursor = await begun.begin(run, file, (bytes) => onBytes(-bytes));
    const giveUp = async (reason: unknown): Promise<never> => {
      await this.#keepBegun(cursor, writer);
      throw reason;
    };
    for (let attempt = 0; !cursor.done; ) {
      const before = cursor.position;
      try {
        const hasLeft = await this.#stream(run, cursor, writer);
        if (!hasLeft) continue;
        this.#queue.add(Array.from({ length: run.end - cursor.chunk }, (_, i) => cursor.chunk + i));
        return;
      } catch (error) {
        if (this.#stop.aborted) await giveUp(this.#stop.reason);
        const isSlow = error instanceof TooSlow;
        if (!isSlow && !isTransient(error)) await giveUp(error);
        // What came before the break is good.
        await writer.flush().catch(giveUp);
        if (isSlow) continue;
        this.#hearRefusal(error);
        // What brought something is no failure: only tries in vain count.
        attempt = cursor.position > before ? 0 : attempt + 1;
        if (attempt >= limits.maxAttempts) await giveUp(error);
        log.warn('download.retry', { file: remote.file, at: cursor.position, attempt, error });
        await pause(pauseBefore(attempt, error, limits), this.#stop).catch(giveUp);
      }
    }
  }

  /** What came of the chunk a run ends in waits for whoever goes on, as far as the disk takes it. */
  async #keepBegun(cursor: ChunkCursor, writer: BufferedWrite): Promise<void> {
    const { states, begun, enter, log, remote, onBytes } = this.#options;
    const { chunk, bytesInChunk: bytes } = cursor;
    if (bytes === 0 || states[chunk] !== 'missing') return;
    try {
      await writer.flush();
      const sum = cursor.endSum();
      await enter(chunk, { sum, begun: bytes });
      begun.add(chunk, { bytes, sum });
    } catch (error) {
      onBytes(writer.pendingBytes - bytes);
      log.info('download.chunk-given-up', { file: remote.file, chunk, error });
    }
  }

  /** A hub that asks to be left alone gets fewer connections. */
  #hearRefusal(error: unknown): void {
    if (!isHostError(error, 'RATE_LIMITED')) return;
    const now = performance.now();
    if (now - this.#refusedAt > ONE_REFUSAL_MS) this.#options.plan.refused();
    this.#refusedAt = now;
  }

  /** Takes in one connection's bytes, from where the cursor stands. True where it left between two chunks. */
  async #stream(run: ChunkRun, cursor: ChunkCursor, writer: BufferedWrite): Promise<boolean> {
    const { hub, remote, grid, allowance } = this.#options;
    const isWholeFile = run.first === 0 && run.end === grid.count;
    const connection = new Connection();
    const signal = AbortSignal.any([this.#stop, connection.controller.signal]);
    this.#connections.add(connection);
    try {
      const range = { start: cursor.position, end: grid.endOf(run.end - 1) };
      const stream = await hub.openRange(remote, range, { signal });
      if (stream.start !== cursor.position && !isWholeFile) {
        await stream.body[Symbol.asyncIterator]().return?.();
        throw new RangesIgnored();
      }
      let at = stream.start;
      for await (const bytes of stream.body) {
        signal.throwIfAborted();
        connection.add(bytes.length);
        await allowance.take(bytes.length, signal);
        at += bytes.length;
        const fresh = Math.min(bytes.length, at - cursor.position);
        if (fresh > 0) await this.#take(cursor, bytes.subarray(bytes.length - fresh), writer, connection);
        // A hub that knows no ranges goes on to the file's end.
        if (cursor.done) break;
        if (connection.isLeaving && cursor.bytesInChunk === 0) return true;
      }
      return false;
    } finally {
      await connection.recording;
      this.#connections.delete(connection);
      this.#bytesOfEnded += connection.sample(LOOK_MS);
    }
  }

  /** Writes bytes that came, chunk by chunk, and enters each chunk that is whole. One that leaves does so behind a chunk. */
  async #take(cursor: ChunkCursor, bytes: Uint8Array, writer: BufferedWrite, connection: Connection): Promise<void> {
    const { states, grid } = this.#options;
    for (let rest = bytes; rest.length > 0 && !cursor.done; ) {
      const piece = rest.subarray(0, cursor.missingInChunk);
      rest = rest.subarray(piece.length);
      const isMissing = states[cursor.chunk] === 'missing';
      if (isMissing) {
        if (this.#notEntered + piece.length > this.#workers * grid.chunkBytes) await connection.recording;
        this.#notEntered += piece.length;
        await writer.add(piece, cursor.position);
      }
      const whole = cursor.advance(piece);
      if (whole === undefined || !isMissing) continue;
      await writer.flush();
      // While it is entered the next one comes already.
      await connection.recording;
      connection.recording = this.#enter(whole).catch((error: unknown) => this.#failed.abort(error));
      if (connection.isLeaving) return;
    }
  }

  /** Enters a chunk that is whole and on the disk. */
  async #enter({ chunk, sum }: WholeChunk): Promise<void> {
    const { states, grid, enter, onBytes } = this.#options;
    try {
      await enter(chunk, { sum, begun: undefined });
    } catch (error) {
      onBytes(-grid.bytesOf(chunk));
      throw error;
    }
    this.#notEntered -= grid.bytesOf(chunk);
    states[chunk] = 'stored';
    this.#extendPrefix();
  }
}

/** What was written is not there any more. */
export function modifiedError(path: string): HostError {
  return new HostError(
    'CACHE_ERROR',
    `${path} was cut short while it was being written. Is another program at work there?`,
    { details: { path } },
  );
}
