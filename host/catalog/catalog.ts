import * as v from 'valibot';
import { invalidField } from '../common/host-errors.ts';
import type { Logger } from '../common/log.ts';
import { validate } from '../common/validate.ts';
import { catalogEntry, type ModelType, type newCatalogEntry } from '../protocol/actions/catalog.ts';
import { type ModelName, readModelName } from '../protocol/model-name.ts';
import type { Namespace, Store } from '../store/types.ts';
import { type CatalogModel, entryFromName } from './entry.ts';
import { assertSupportedFile, assertSupportedType } from './model-type.ts';
import suggestions from './suggested.json' with { type: 'json' };

/**
 * A stored entry of a model that the user added. Entries are validated when they are read, because another program may
 * have changed the file.
 */
const StoredEntry = v.omit(catalogEntry, ['downloaded']);

/** The catalog: suggested models, and models that the user added. */
export class Catalog {
  readonly #added: Namespace<unknown>;
  readonly #log: Logger;
  /** Cached entries that were derived from the names of downloaded models. */
  readonly #onDisk = new WeakMap<ModelName, CatalogModel>();

  private constructor(added: Namespace<unknown>, log: Logger) {
    this.#added = added;
    this.#log = log;
  }

  static async open(store: Store, log: Logger): Promise<Catalog> {
    return new Catalog(store.namespace('catalog'), log);
  }

  /** Returns all entries. The user's entries replace suggested ones with the same id. */
  async entries(): Promise<CatalogModel[]> {
    const entries = new Map(suggested().map((entry) => [entry.id, entry]));
    for await (const [id, stored] of this.#added.entries()) {
      const { success, output } = validate(StoredEntry, stored);
      if (success) entries.set(id, output);
      else this.#log.warn('catalog.bad_entry', { id });
    }
    return [...entries.values()];
  }

  /**
   * Adds or changes an entry of the user. Missing fields are derived from the file name. Throws `INVALID_REQUEST` with
   * the field, or `UNSUPPORTED_MODEL_TYPE` for types that this host does not run.
   */
  async add(input: v.InferOutput<typeof newCatalogEntry>): Promise<CatalogModel> {
    const repository = input.repo_id ?? input.repo;
    if (repository === undefined && input.id === undefined) {
      throw invalidField('model.repo_id', 'the repository, "owner/name"', undefined);
    }
    const name = readModelName({ modelPath: repository ?? input.id, modelFile: input.file_path });
    assertSupportedFile(name);
    if (input.model_type !== undefined) assertSupportedType(input.model_type, name.file);
    const guessed = entryFromName(name, 'user');
    const entry: CatalogModel = {
      ...guessed,
      name: input.name ?? guessed.name,
      model_type: input.model_type ?? guessed.model_type,
      size_gb: input.size_gb ?? guessed.size_gb,
      tags: input.tags ?? guessed.tags,
      description: input.description ?? guessed.description,
      default_quant: input.default_quant ?? guessed.default_quant,
      requires_token: input.requires_token ?? guessed.requires_token,
    };
    await this.#added.set(entry.id, entry);
    return entry;
  }

  /** Removes an entry that the user added. Returns whether there was one. */
  async remove(id: string): Promise<boolean> {
    const isAdded = (await this.#added.get(id)) !== undefined;
    if (isAdded) await this.#added.delete(id);
    return isAdded;
  }

  /** Returns an entry for a downloaded model that is not in the catalog. */
  onDisk(name: ModelName, size: number): CatalogModel {
    const known = this.#onDisk.get(name);
    if (known !== undefined) return known;
    const entry = entryFromName(name, 'disk', size);
    this.#onDisk.set(name, entry);
    return entry;
  }

  /** Returns the default model of a type: the first suggested one. */
  async defaultFor(type: ModelType): Promise<CatalogModel | undefined> {
    return (await this.entries()).find((entry) => entry.suggested && entry.model_type === type);
  }
}

/** Returns the models that the host suggests, in display order. */
function suggested(): CatalogModel[] {
  return suggestions.map(({ repo, file, ...fields }) => ({
    ...entryFromName(readModelName({ modelPath: repo, modelFile: file }), 'default'),
    requires_token: false,
    suggested: true,
    ...fields,
  }));
}
