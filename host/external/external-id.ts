import { createHash } from 'node:crypto';
import { defined } from '../common/defined.ts';
import { isHostError } from '../common/errors.ts';
import { type ModelName, modelName, readModelName } from '../protocol/model-name.ts';
import { MODEL_SOURCES, type ModelSource } from '../protocol/model-sources.ts';

/** Owner in the ids of external models. */
const LOCAL_OWNER = 'local';

/**
 * Returns the id of an external model: `local/<source>/<the program's name for it>`, such as `local/ollama/qwen3/8b`
 * for `qwen3:8b`, or `local/lmstudio/<publisher>/<repository>/<file>`. Replaces characters that an id cannot contain,
 * and adds part of a checksum to keep such ids distinct.
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

/**
 * Returns a program's name for a model without characters that could disguise it in a list: control characters and
 * changes of writing direction.
 */
export function plainTitle(title: string): string {
  return title.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '_').slice(0, 300);
}

/** Returns whether an id is that of an external model, which the hub does not know. */
export function isExternalName({ owner, repo }: { readonly owner: string; readonly repo: string }): boolean {
  return owner === LOCAL_OWNER && (MODEL_SOURCES as readonly string[]).includes(repo);
}

/** Host names under which Ollama stores models from the hub, such as `hf.co/owner/name:Q4_K_M`. */
const HUB_HOSTS: readonly string[] = ['hf.co', 'huggingface.co'];

/**
 * Returns the repository of a model that Ollama downloaded from the hub, and its quantization unless it is the default.
 * Returns undefined for other models.
 */
export function repositoryIn({
  owner,
  repo,
  file,
}: ModelName): { repoId: string; tag: string | undefined } | undefined {
  const [host = '', user, name, tag] = file.split('/');
  if (owner !== LOCAL_OWNER || repo !== 'ollama' || !HUB_HOSTS.includes(host)) return undefined;
  return tag === undefined ? undefined : { repoId: `${user}/${name}`, tag: tag === 'latest' ? undefined : tag };
}

/** Returns the model name of a file on the hub; undefined if the parts do not form a valid name. */
export function hubName(repoId: string, file: string, revision?: string): ModelName | undefined {
  try {
    return readModelName({ modelPath: repoId, modelFile: file, ...defined({ revision }) });
  } catch (error) {
    if (isHostError(error)) return undefined;
    throw error;
  }
}
