import { createHash } from 'node:crypto';
import { basename, dirname, isAbsolute, join, normalize } from 'node:path';
import { HostError } from '../common/errors.ts';
import { invalidField } from '../common/host-errors.ts';
import { KIND_NAMES } from '../gguf/kind.ts';
import { rejection } from '../gguf/reject.ts';
import { type ModelName, modelNameOf } from '../protocol/model-name.ts';
import { shardFiles } from '../protocol/shards.ts';
import { type Classification, classify } from './classification.ts';
import { type FoundFile, statFile } from './disk.ts';
import { externalName } from './external-id.ts';
import type { ExternalModel } from './external-model.ts';
import type { Imported, ImportRegistry } from './import-registry.ts';

/** Returns the imported models whose files all exist. */
export async function findImports(imported: ReadonlyMap<string, Imported>): Promise<ExternalModel[]> {
  const models = await Promise.all(
    [...imported].map(async ([id, { files: paths }]) => {
      const name = modelNameOf(id);
      const files = (await Promise.all(paths.map(statFile))).filter((file) => file !== undefined);
      if (name === undefined || files.length < paths.length) return undefined;
      return { source: 'import' as const, name, title: basename(paths[0] ?? ''), files };
    }),
  );
  return models.filter((model) => model !== undefined);
}

/**
 * Registers a model without copying or changing its files. `path` may be any file of a split model.
 *
 * @param kind What the file must be. Default: a model, or what belongs to one.
 * @throws HostError `INVALID_REQUEST` for a path that is not absolute, `FILE_NOT_FOUND`, `MODEL_REJECTED`.
 */
export async function importFile(
  path: string,
  { registry, signal, kind }: { registry: ImportRegistry; signal: AbortSignal; kind?: 'adapter' | undefined },
): Promise<{ model: ExternalModel; classification: Exclude<Classification, { kind: 'rejected' }> }> {
  if (!isAbsolute(path) || path.includes('\0')) throw invalidField('path', "a model file's absolute path", path);
  const folder = dirname(normalize(path));
  const paths = shardFiles(basename(path)).map((name) => join(folder, name));
  const files: FoundFile[] = [];
  for (const part of paths) {
    const file = await statFile(part);
    if (file === undefined) {
      throw new HostError('FILE_NOT_FOUND', `${part} does not exist or cannot be read.`, { details: { path: part } });
    }
    files.push(file);
  }
  const classification = await classify(paths, signal);
  if (classification === undefined || classification.kind === 'rejected') {
    const reason = classification?.reason ?? `${path} cannot be read.`;
    throw new HostError('MODEL_REJECTED', reason, { details: { file: path } });
  }
  if (kind !== undefined && kind !== classification.kind) {
    throw rejection(path)(`it is ${KIND_NAMES[classification.kind]}`, {
      expected: KIND_NAMES[kind],
      found: classification.kind,
    });
  }
  const [first = path] = paths;
  const name = await registry.import({ files: paths }, (others) => uniqueName(first, others));
  return { model: { source: 'import', name, title: basename(first), files }, classification };
}

/**
 * Returns the id of an import: its file name, preceded by part of a checksum if another file with that name is already
 * imported.
 */
function uniqueName(path: string, others: ReadonlyMap<string, Imported>): ModelName {
  const name = externalName('import', [basename(path)]);
  const other = others.get(name.id);
  if (other === undefined || other.files[0] === path) return name;
  const sum = createHash('sha256').update(path).digest('hex').slice(0, 12);
  return externalName('import', [sum, basename(path)]);
}
