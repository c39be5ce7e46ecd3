import { HostError } from '../common/errors.ts';
import { modelNameOf, modelQueryOf } from '../protocol/model-name.ts';
import { isMatch } from '../requests/reference.ts';
import type { Client } from './client.ts';
import { findModel } from './model-argument.ts';

/**
 * Returns the ID of a model that a host of this user has loaded, by one of the names of {@link findModel}, or its
 * repository with a quantization.
 *
 * @throws HostError `MODEL_NOT_LOADED`; UsageError if several models have the name.
 */
export async function loadedModel(typed: string, client: Client): Promise<string> {
  const hosts = await client.all('LIST_HOSTS', ({ hosts }) => hosts);
  const ids = new Set(hosts.flatMap(({ models }) => models.map(({ model_id }) => model_id)));
  const plain = client.plainName(typed);
  const query = modelQueryOf(plain);
  const known = [...ids].map((id) => {
    const name = modelNameOf(id);
    // A name that only this model has, as the display names of other programs' models.
    const isQueried = name !== undefined && query !== undefined && isMatch(name, query);
    return { id, repo_id: name?.repoId ?? id, file_path: name?.file ?? id, ...(isQueried ? { name: plain } : {}) };
  });
  const found = findModel(plain, known);
  if (found !== undefined) return found.id;
  throw new HostError('MODEL_NOT_LOADED', `"${typed}" is not loaded. "tabagent ps" lists loaded models.`, {
    details: { modelId: typed },
  });
}
