import * as v from 'valibot';
import { validate } from '../common/validate.ts';
import { ERROR_CODES, type ErrorCode } from '../protocol/errors.ts';
import type { Namespace, Store } from '../store/types.ts';
import { ChunkGrid, MAX_CHUNKS } from './chunks.ts';

const Bytes = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** Record of a file of a model: the hub's metadata and the chunk size. */
const FileRecord = v.pipe(
  v.object({
    size: Bytes,
    checksum: v.object({ algorithm: v.picklist(['sha256', 'git-sha1']), hex: v.string() }),
    etag: v.string(),
    commit: v.nullable(v.string()),
    chunkBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
    /**
     * Set if the checksum was computed from the file on the disk, because the hub was not reachable. It detects only
     * changes since then.
     */
    firstCheck: v.optional(v.literal(true)),
    /**
     * Modification time of the file when its download was completed, in Unix milliseconds; absent for a file that was
     * found on the disk.
     */
    publishedMs: v.optional(v.pipe(v.number(), v.finite())),
  }),
  // Processing a record takes time and memory for each chunk.
  v.check(({ size, chunkBytes }) => Math.ceil(size / chunkBytes) <= MAX_CHUNKS),
);
export type FileRecord = v.InferOutput<typeof FileRecord>;

/** Stored value of a complete chunk. */
const COMPLETE = /^[0-9a-f]{64}$/;
/** Stored value of a partial chunk: its checksum and number of bytes. */
const PARTIAL = /^([0-9a-f]{64})\/([1-9]\d{0,8})$/;

/** The checksum of a chunk, or of its first bytes, in the index; see `chunkChecksum`. */
export interface StoredChecksum {
  readonly sum: string;
  /** Number of bytes on the disk; undefined if the chunk is complete. */
  readonly partialBytes: number | undefined;
}

/** Record of a model's download, for other hosts and for resuming it. */
const ModelRecord = v.object({
  state: v.picklist(['downloading', 'paused', 'failed', 'cancelled']),
  downloaded: Bytes,
  total: Bytes,
  startedAt: v.pipe(v.number(), v.finite()),
  error: v.optional(v.object({ code: v.picklist(Object.keys(ERROR_CODES) as ErrorCode[]), message: v.string() })),
});
export type ModelRecord = v.InferOutput<typeof ModelRecord>;

/** Record of a model with newer files on the hub: their size, commit, and date in Unix seconds. */
const NewerFiles = v.object({
  size: Bytes,
  commit: v.optional(v.string()),
  changedAt: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
});
export type NewerFiles = v.InferOutput<typeof NewerFiles>;

/** A user's request for a download that another host may run. */
export type ControlRequest = 'pause' | 'cancel';

/**
 * The index of downloads in the host's database: it records which chunks of which files are on the disk. Its loss is
 * harmless: complete models are found on the disk, and partial files without index entries are downloaded again.
 *
 * Values are validated when they are read, because other programs may have written to the database.
 */
export class DownloadIndex {
  readonly #store: () => Promise<Store>;

  /** @param store Opens the database. Called on first use: models on the disk can be listed without the index. */
  constructor(store: () => Promise<Store>) {
    this.#store = store;
  }

  async file(key: string): Promise<FileRecord | undefined> {
    return checked(FileRecord, await (await this.#namespace('files')).get(key));
  }

  async setFile(key: string, record: FileRecord): Promise<void> {
    await (await this.#namespace('files')).set(key, record);
  }

  /** Moves the entries of a file and its chunks to another key, and replaces those of that key. */
  async moveFile(from: string, to: string): Promise<void> {
    const record = await this.file(from);
    await this.deleteFile(to);
    if (record === undefined) return;
    for (const [chunk, stored] of (await this.chunks(from, gridOf(record).count)).entries()) {
      if (stored !== undefined) await this.setChunk(to, chunk, stored);
    }
    await this.setFile(to, record);
    await this.deleteFile(from);
  }

  /** Removes a file and its chunks from the index. */
  async deleteFile(key: string): Promise<void> {
    const record = await this.file(key);
    const chunks = await this.#namespace('chunks');
    if (record !== undefined) await chunks.deleteMany(chunkKeys(key, gridOf(record).count));
    await (await this.#namespace('files')).delete(key);
  }

  /** Returns the checksums of the first `count` chunks; undefined for missing ones. */
  async chunks(key: string, count: number): Promise<(StoredChecksum | undefined)[]> {
    return (await (await this.#namespace('chunks')).getMany(chunkKeys(key, count))).map(storedSum);
  }

  async setChunk(key: string, chunk: number, { sum, partialBytes }: StoredChecksum): Promise<void> {
    const value = partialBytes === undefined ? sum : `${sum}/${partialBytes}`;
    await (await this.#namespace('chunks')).set(`${key}:${chunk}`, value);
  }

  async deleteChunks(key: string, chunks: readonly number[]): Promise<void> {
    await (await this.#namespace('chunks')).deleteMany(chunks.map((chunk) => `${key}:${chunk}`));
  }

  /** Returns the total size of a file's chunks in the index, in bytes. */
  async storedBytes(key: string): Promise<number> {
    const record = await this.file(key);
    if (record === undefined) return 0;
    const grid = gridOf(record);
    const chunks = await this.chunks(key, grid.count);
    return chunks.reduce((bytes, stored, chunk) => bytes + bytesOf(stored, chunk, grid), 0);
  }

  /** Returns {@link storedBytes} of many files, with two queries. */
  async storedBytesOf(keys: readonly string[]): Promise<number[]> {
    const found = await (await this.#namespace('files')).getMany(keys);
    const grids = found.map((value) => {
      const record = checked(FileRecord, value);
      return record === undefined ? undefined : gridOf(record);
    });
    const wanted = keys.flatMap((key, at) => chunkKeys(key, grids[at]?.count ?? 0));
    const chunks = (await (await this.#namespace('chunks')).getMany(wanted)).values();
    return grids.map((grid) => {
      let bytes = 0;
      for (let chunk = 0; grid !== undefined && chunk < grid.count; chunk += 1) {
        bytes += bytesOf(storedSum(chunks.next().value), chunk, grid);
      }
      return bytes;
    });
  }

  async model(id: string): Promise<ModelRecord | undefined> {
    return checked(ModelRecord, await (await this.#namespace('downloads')).get(id));
  }

  async setModel(id: string, record: ModelRecord): Promise<void> {
    await (await this.#namespace('downloads')).set(id, record);
  }

  async deleteModel(id: string): Promise<void> {
    await (await this.#namespace('downloads')).delete(id);
  }

  async *allModels(): AsyncGenerator<[id: string, record: ModelRecord]> {
    for await (const [id, value] of (await this.#namespace('downloads')).entries()) {
      const record = checked(ModelRecord, value);
      if (record !== undefined) yield [id, record];
    }
  }

  async controlRequest(id: string): Promise<ControlRequest | undefined> {
    return checked(v.picklist(['pause', 'cancel']), await (await this.#namespace('wishes')).get(id));
  }

  async setControlRequest(id: string, request: ControlRequest): Promise<void> {
    await (await this.#namespace('wishes')).set(id, request);
  }

  async clearControlRequest(id: string): Promise<void> {
    await (await this.#namespace('wishes')).delete(id);
  }

  /** Returns when each model was last loaded, in Unix milliseconds. */
  async allUsed(): Promise<Map<string, number>> {
    const used = new Map<string, number>();
    for await (const [id, at] of (await this.#namespace('used')).entries())
      if (typeof at === 'number') used.set(id, at);
    return used;
  }

  async setUsed(id: string, at: number): Promise<void> {
    await (await this.#namespace('used')).set(id, at);
  }

  /** Returns the models that had newer files on the hub when that was last checked. */
  async allNewer(): Promise<Map<string, NewerFiles>> {
    const newer = new Map<string, NewerFiles>();
    for await (const [id, value] of (await this.#namespace('newer')).entries()) {
      const files = checked(NewerFiles, value);
      if (files !== undefined) newer.set(id, files);
    }
    return newer;
  }

  async setNewer(id: string, files: NewerFiles | undefined): Promise<void> {
    const newer = await this.#namespace('newer');
    await (files === undefined ? newer.delete(id) : newer.set(id, files));
  }

  /** `wishes` contains the control requests; the name is kept for existing databases. */
  async #namespace(name: 'files' | 'chunks' | 'downloads' | 'wishes' | 'used' | 'newer'): Promise<Namespace<unknown>> {
    return (await this.#store()).namespace(name);
  }
}

function storedSum(value: unknown): StoredChecksum | undefined {
  if (typeof value !== 'string') return undefined;
  if (COMPLETE.test(value)) return { sum: value, partialBytes: undefined };
  const [, sum, bytes] = PARTIAL.exec(value) ?? [];
  return sum === undefined ? undefined : { sum, partialBytes: Number(bytes) };
}

function bytesOf(stored: StoredChecksum | undefined, chunk: number, grid: ChunkGrid): number {
  return stored === undefined ? 0 : Math.min(stored.partialBytes ?? Number.POSITIVE_INFINITY, grid.bytesOf(chunk));
}

function gridOf({ size, chunkBytes }: FileRecord): ChunkGrid {
  return new ChunkGrid(size, chunkBytes);
}

function chunkKeys(key: string, count: number): string[] {
  return Array.from({ length: count }, (_, chunk) => `${key}:${chunk}`);
}

function checked<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> | undefined {
  const { success, output } = validate(schema, value);
  return success ? output : undefined;
}
