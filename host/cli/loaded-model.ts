import { HostError } from '../common/errors.ts';
import { modelNameOf } from '../protocol/model-name.ts';
import type { Client } from './client.ts';
import { findModel } from './model-argument.ts';

/** Returns the ID of a model that a host of this user has loaded. @throws HostError `MODEL_NOT_LOADED`. */
export async function loadedModel(typed: string, client: Client): Promise<string> {
  const hosts = await client.all('LIST_HOSTS', ({ hosts }) => hosts);
  const ids = new Set(hosts.flatMap(({ models }) => models.map(({ model_id }) => model_id)));
  const known = [...ids].map((id) => {
    const name = modelNameOf(id);
    return { id, repo_id: name?.repoId ?? id, file_path: name?.file ?? id };
  });
  const found = findModel(client.plainName(typed), known);
  if (found !== undefined) return found.id;
  throw new HostError('MODEL_NOT_LOADED', `"${typed}" is not loaded. "tabagent ps" lists loaded models.`, {
    details: { modelId: typed },
  });
}
