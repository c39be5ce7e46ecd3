import { createHash } from 'node:crypto';
import { defined } from '../common/defined.ts';
import { isHostError } from '../common/errors.ts';
import { type ModelName, modelName, readModelName } from '../protocol/model-name.ts';
import { MODEL_SOURCES, type ModelSource } from '../protocol/model-sources.ts';

/** The owner under which everything stands that is used where it lies. */
const LOCAL_OWNER = 'local';

/**
 * The id of a model that a program holds: `local/<source>/<what the program calls it>`, such as `local/ollama/qwen3/8b`
 * for `qwen3:8b`, or `local/lmstudio/<publisher>/<repository>/<file>`. Parts that no id can have are replaced, and a
 * piece of a checksum keeps such ids apart.
 */
export function externalName(source: ModelSource, parts: readonly string[]): ModelName {
  const file = parts.join('/');
  const base = { owner: LOCAL_OWNER, repo: source };
  try {
    return modelName({ ...base, file });
  } catch (error) {
    if (!isHostError(error)) throw error;
    const sum = createHash('sha256').update(file).digest('hex').slice(0, 12);
    const plain = parts
      .map((part) => part.replace(/[^A-Za-z0-9._-]+/g, '_').slice(-80))
      .join('_')
      .slice(-150);
    return modelName({ ...base, file: `${sum}-${plain}`.replace(/\.+$/, '') });
  }
}

/** What a program calls a model, without what would make a list read otherwise than it is: controls, changes of direction. */
export function plainTitle(title: string): string {
  return title.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '_').slice(0, 300);
}

/** Says whether an id stands for something on this disk that no hub is to be asked about. */
export function isExternalName({ owner, repo }: { readonly owner: string; readonly repo: string }): boolean {
  return owner === LOCAL_OWNER && (MODEL_SOURCES as readonly string[]).includes(repo);
}

/** A repository's file, where its parts can be those of one. */
export function claimedName(repoId: string, file: string, revision?: string): ModelName | undefined {
  try {
    return readModelName({ modelPath: repoId, modelFile: file, ...defined({ revision }) });
  } catch (error) {
    if (isHostError(error)) return undefined;
    throw error;
  }
}
