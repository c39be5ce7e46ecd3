import * as v from 'valibot';
import { validate } from '../common/validate.ts';
import { withFileLock } from '../common/with-file-lock.ts';
import type { ModelName } from '../protocol/model-name.ts';
import { MODEL_SOURCES } from '../protocol/model-sources.ts';
import type { Namespace, Store } from '../store/types.ts';

const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const Path = v.pipe(v.string(), v.minLength(1), v.maxLength(4096));

/** A model of the hub that a program was found to hold. Known by its checksums, so the file may move or be held by another. */
const Adopted = v.object({
  files: v.pipe(v.array(v.object({ size: v.pipe(v.number(), v.safeInteger()), sha256: Sha256 })), v.minLength(1)),
  /** Who held it, and where its first file lay: to tell the user when it is gone. */
  source: v.picklist(MODEL_SOURCES),
  path: Path,
});
export type Adopted = v.InferOutput<typeof Adopted>;

/** A model the user imported: the absolute paths of its files. */
const Imported = v.object({ files: v.pipe(v.array(Path), v.minLength(1), v.maxLength(1000)) });
export type Imported = v.InferOutput<typeof Imported>;

/** What is kept over restarts of models that lie elsewhere, by model id. What comes out is checked. */
export class ImportRegistry {
  readonly #store: () => Promise<Store>;
  readonly #lock: string;

  /** @param lock The file lock that hosts take to add an import. */
  constructor(store: () => Promise<Store>, lock: string) {
    this.#store = store;
    this.#lock = lock;
  }

  async adopted(id: string): Promise<Adopted | undefined> {
    return checked(Adopted, await (await this.#namespace('adopted')).get(id));
  }

  allAdopted(): Promise<Map<string, Adopted>> {
    return this.#all('adopted', Adopted);
  }

  async adopt(id: string, model: Adopted): Promise<void> {
    await (await this.#namespace('adopted')).set(id, model);
  }

  allImported(): Promise<Map<string, Imported>> {
    return this.#all('imported', Imported);
  }

  /** Registers a model under the name that `chooseName` picks, knowing every other import. Returns the name. */
  import(model: Imported, chooseName: (others: ReadonlyMap<string, Imported>) => ModelName): Promise<ModelName> {
    return withFileLock(this.#lock, async () => {
      const name = chooseName(await this.allImported());
      await (await this.#namespace('imported')).set(name.id, model);
      return name;
    });
  }

  async forgetImported(id: string): Promise<void> {
    await (await this.#namespace('imported')).delete(id);
  }

  async #all<S extends v.GenericSchema>(name: 'adopted' | 'imported', schema: S) {
    const found = new Map<string, v.InferOutput<S>>();
    for await (const [id, value] of (await this.#namespace(name)).entries()) {
      const record = checked(schema, value);
      if (record !== undefined) found.set(id, record);
    }
    return found;
  }

  async #namespace(name: 'adopted' | 'imported'): Promise<Namespace<unknown>> {
    return (await this.#store()).namespace(name);
  }
}

function checked<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> | undefined {
  const { success, output } = validate(schema, value);
  return success ? output : undefined;
}
