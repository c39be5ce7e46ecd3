import * as v from 'valibot';
import { ERROR_CODES, type ErrorCode } from '../protocol/errors.ts';
import type { Namespace, Store } from '../store/types.ts';
import { ChunkGrid } from './chunks.ts';

/** What is kept of one file of a model, on its way or whole: what the hub announced, and how it is cut. */
const FileRecord = v.object({
  size: v.number(),
  checksum: v.object({ algorithm: v.picklist(['sha256', 'git-sha1']), hex: v.string() }),
  etag: v.string(),
  commit: v.nullable(v.string()),
  chunkBytes: v.number(),
});
export type FileRecord = v.InferOutput<typeof FileRecord>;

/** What is kept of the download of a model, for other hosts to follow and for the next start. */
const ModelRecord = v.object({
  state: v.picklist(['downloading', 'paused', 'failed', 'cancelled']),
  downloaded: v.number(),
  total: v.number(),
  startedAt: v.number(),
  error: v.optional(v.object({ code: v.picklist(Object.keys(ERROR_CODES) as ErrorCode[]), message: v.string() })),
});
export type ModelRecord = v.InferOutput<typeof ModelRecord>;

/** What a user asked of a download that another host is doing. */
export type Wish = 'pause' | 'cancel';

/**
 * The index of the cache, in the host's database: which chunks of which files are there. It can be lost at any time:
 * whole models are found on the disk, and a partial file without its index is begun anew.
 *
 * What comes out is checked: the database is a file that anything can have written to.
 */
export class DownloadIndex {
  readonly #files: Namespace<unknown>;
  readonly #chunks: Namespace<unknown>;
  readonly #models: Namespace<unknown>;
  readonly #wishes: Namespace<unknown>;

  constructor(store: Store) {
    this.#files = store.namespace('files');
    this.#chunks = store.namespace('chunks');
    this.#models = store.namespace('downloads');
    this.#wishes = store.namespace('wishes');
  }

  async file(key: string): Promise<FileRecord | undefined> {
    return checked(FileRecord, await this.#files.get(key));
  }

  setFile(key: string, record: FileRecord): Promise<void> {
    return this.#files.set(key, record);
  }

  /** Forgets a file and its chunks. */
  async deleteFile(key: string, chunks: number): Promise<void> {
    await this.#chunks.deleteMany(chunkKeys(key, chunks));
    await this.#files.delete(key);
  }

  /** SHA-256 (hex) of each of the first `count` chunks that is there; undefined for the others. */
  async chunks(key: string, count: number): Promise<(string | undefined)[]> {
    const stored = await this.#chunks.getMany(chunkKeys(key, count));
    return stored.map((sha256) => (typeof sha256 === 'string' ? sha256 : undefined));
  }

  setChunk(key: string, chunk: number, sha256: string): Promise<void> {
    return this.#chunks.set(`${key}:${chunk}`, sha256);
  }

  deleteChunk(key: string, chunk: number): Promise<void> {
    return this.#chunks.delete(`${key}:${chunk}`);
  }

  /** Bytes of a file's chunks that are entered. */
  async storedBytes(key: string): Promise<number> {
    const record = await this.file(key);
    if (record === undefined) return 0;
    const grid = new ChunkGrid(record.size, record.chunkBytes);
    const chunks = await this.chunks(key, grid.count);
    return chunks.reduce((sum, sha256, chunk) => sum + (sha256 === undefined ? 0 : grid.bytesOf(chunk)), 0);
  }

  async model(id: string): Promise<ModelRecord | undefined> {
    return checked(ModelRecord, await this.#models.get(id));
  }

  setModel(id: string, record: ModelRecord): Promise<void> {
    return this.#models.set(id, record);
  }

  deleteModel(id: string): Promise<void> {
    return this.#models.delete(id);
  }

  async *allModels(): AsyncGenerator<[id: string, record: ModelRecord]> {
    for await (const [id, value] of this.#models.entries()) {
      const record = checked(ModelRecord, value);
      if (record !== undefined) yield [id, record];
    }
  }

  async wish(id: string): Promise<Wish | undefined> {
    return checked(v.picklist(['pause', 'cancel']), await this.#wishes.get(id));
  }

  setWish(id: string, wish: Wish): Promise<void> {
    return this.#wishes.set(id, wish);
  }

  clearWish(id: string): Promise<void> {
    return this.#wishes.delete(id);
  }
}

function chunkKeys(key: string, count: number): string[] {
  return Array.from({ length: count }, (_, chunk) => `${key}:${chunk}`);
}

function checked<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> | undefined {
  const { success, output } = v.safeParse(schema, value);
  return success ? output : undefined;
}
