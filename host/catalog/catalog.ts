import * as v from 'valibot';
import { invalidField } from '../common/host-errors.ts';
import type { Logger } from '../common/log.ts';
import { validate } from '../common/validate.ts';
import { catalogEntry, type ModelType, type newCatalogEntry } from '../protocol/actions/catalog.ts';
import { type ModelName, readModelName } from '../protocol/model-name.ts';
import type { Namespace, Store } from '../store/types.ts';
import { type CatalogModel, entryFromName } from './entry.ts';
import { assertOwnType, assertRunnable } from './model-type.ts';
import suggestions from './suggested.json' with { type: 'json' };

/** What is stored of a model the user added. The database is a file like any other: what comes out is checked again. */
const StoredEntry = v.omit(catalogEntry, ['downloaded']);

/** The models offered to the user: those suggested, and those the user added. */
export class Catalog {
  readonly #added: Namespace<unknown>;
  readonly #log: Logger;
  /** What names on the disk tell: read out of each once, as long as its listing is the same. */
  readonly #onDisk = new WeakMap<ModelName, CatalogModel>();

  private constructor(added: Namespace<unknown>, log: Logger) {
    this.#added = added;
    this.#log = log;
  }

  static async open(store: Store, log: Logger): Promise<Catalog> {
    return new Catalog(store.namespace('catalog'), log);
  }

  /** All of them; what the user says of a suggested model takes its place. */
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
   * Adds a model of the user's, or changes one. What is not said is read from the file's name. Throws
   * `INVALID_REQUEST` naming the field, `UNSUPPORTED_MODEL_TYPE` for what this host does not run.
   */
  async add(input: v.InferOutput<typeof newCatalogEntry>): Promise<CatalogModel> {
    const repository = input.repo_id ?? input.repo;
    if (repository === undefined && input.id === undefined) {
      throw invalidField('model.repo_id', 'the repository, "owner/name"', undefined);
    }
    const name = readModelName({ modelPath: repository ?? input.id, modelFile: input.file_path });
    assertRunnable(name.file);
    if (input.model_type !== undefined) assertOwnType(input.model_type, name.file);
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

  /** A model on the disk that the list does not have. */
  onDisk(name: ModelName, size: number): CatalogModel {
    const known = this.#onDisk.get(name);
    if (known !== undefined) return known;
    const entry = entryFromName(name, 'disk', size);
    this.#onDisk.set(name, entry);
    return entry;
  }

  /** The model to begin with, for a type: the first suggested one. */
  async defaultFor(type: ModelType): Promise<CatalogModel | undefined> {
    return (await this.entries()).find((entry) => entry.suggested && entry.model_type === type);
  }
}

/** The list that comes with the host, in the order it is to be shown. */
function suggested(): CatalogModel[] {
  return suggestions.map(({ repo, file, ...said }) => ({
    ...entryFromName(readModelName({ modelPath: repo, modelFile: file }), 'default'),
    requires_token: false,
    suggested: true,
    ...said,
  }));
}
