import { defined } from '../common/defined.ts';
import { type FileFacts, isCompanion } from '../gguf/kind.ts';
import type { FileKind } from '../protocol/file-kinds.ts';
import { familyOf } from './file-kind.ts';
import type { RepoModel } from './repo-models.ts';

/** Maximum number of headers that are read per repository. Most have one family of models and one of projectors. */
const MAX_READ = 8;

/**
 * Corrects the kinds that were derived from names by reading headers. Files that differ only in their quantization have
 * the same kind, so only the smallest file of each such family is read.
 *
 * @param read Returns what the headers of files say, in order.
 */
export async function withReadKinds(
  models: readonly RepoModel[],
  read: (models: readonly RepoModel[]) => Promise<readonly FileFacts[]>,
): Promise<RepoModel[]> {
  const families = Map.groupBy(
    models.filter(({ kind, complete }) => kind !== 'part' && complete),
    ({ name }) => familyOf(name.file),
  );
  const smallest = [...families.values()]
    .map((family) => family.toSorted((a, b) => (a.size ?? 0) - (b.size ?? 0))[0])
    .filter((model) => model !== undefined)
    .slice(0, MAX_READ);
  const facts = await read(smallest);
  const known = new Map(smallest.map(({ name }, at) => [familyOf(name.file), facts[at]]));
  return models.map((model) => {
    const { kind, baseModel } = known.get(familyOf(model.name.file)) ?? {};
    return { ...model, kind: kindWith(model.kind, kind), ...defined({ baseModel }) };
  });
}

/**
 * Returns the kind of a file, from its name and its header. Draft models and files that add multi-token prediction have
 * the header of an ordinary model, so the name takes precedence for them.
 */
export function kindWith(named: FileKind, header: FileKind | undefined): FileKind {
  if (header === undefined || (header === 'model' && !isCompanion(named))) return named;
  return header;
}
