import * as v from 'valibot';
import { validate } from '../common/validate.ts';
import { withFileLock } from '../common/with-file-lock.ts';
import type { ModelName } from '../protocol/model-name.ts';
import { MODEL_SOURCES } from '../protocol/model-sources.ts';
import type { Namespace, Store } from '../store/types.ts';

const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const Path = v.pipe(v.string(), v.minLength(1), v.maxLength(4096));

/**
 * A model of the hub that was found among external models. It is identified by its checksums, so it is still found if
 * its file is moved, or if another program has the same file.
 */
const MatchedModel = v.object({
  files: v.pipe(v.array(v.object({ size: v.pipe(v.number(), v.safeInteger()), sha256: Sha256 })), v.minLength(1)),
  /** Source of the model, and the path of its first file. They are reported if the model is missing later. */
  source: v.picklist(MODEL_SOURCES),
  path: Path,
});
export type MatchedModel = v.InferOutput<typeof MatchedModel>;

/** A model that the user imported: the absolute paths of its files. */
const Imported = v.object({ files: v.pipe(v.array(Path), v.minLength(1), v.maxLength(1000)) });
export type Imported = v.InferOutput<typeof Imported>;

/** Stores matched and imported external models by model id. Records are validated when they are read. */
export class ImportRegistry {
  readonly #store: () => Promise<Store>;
  readonly #lock: string;

  /** @param lock Path of the lock file that hosts lock to add an import. */
  constructor(store: () => Promise<Store>, lock: string) {
    this.#store = store;
    this.#lock = lock;
  }

  async matched(id: string): Promise<MatchedModel | undefined> {
    return parseRecord(MatchedModel, await (await this.#namespace('adopted')).get(id));
  }

  allMatched(): Promise<Map<string, MatchedModel>> {
    return this.#all('adopted', MatchedModel);
  }

  async addMatched(id: string, model: MatchedModel): Promise<void> {
    await (await this.#namespace('adopted')).set(id, model);
  }

  allImported(): Promise<Map<string, Imported>> {
    return this.#all('imported', Imported);
  }

  /** Registers a model under the name that `chooseName` returns, given all existing imports. Returns that name. */
  import(model: Imported, chooseName: (others: ReadonlyMap<string, Imported>) => ModelName): Promise<ModelName> {
    return withFileLock(this.#lock, async () => {
      const name = chooseName(await this.allImported());
      await (await this.#namespace('imported')).set(name.id, model);
      return name;
    });
  }

  async removeImported(id: string): Promise<void> {
    await (await this.#namespace('imported')).delete(id);
  }

  async #all<S extends v.GenericSchema>(name: 'adopted' | 'imported', schema: S) {
    const found = new Map<string, v.InferOutput<S>>();
    for await (const [id, value] of (await this.#namespace(name)).entries()) {
      const record = parseRecord(schema, value);
      if (record !== undefined) found.set(id, record);
    }
    return found;
  }

  async #namespace(name: 'adopted' | 'imported'): Promise<Namespace<unknown>> {
    return (await this.#store()).namespace(name);
  }
}

function parseRecord<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> | undefined {
  const { success, output } = validate(schema, value);
  return success ? output : undefined;
}
