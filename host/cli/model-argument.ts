import { HostError, isHostError } from '../common/errors.ts';
import { modelNameOf, modelQueryOf } from '../protocol/model-name.ts';
import { isRemoteId } from '../protocol/remote-id.ts';
import { type KnownModel, matchingModels, shortNamesOf } from '../protocol/short-names.ts';
import type { Client } from './client.ts';
import { didYouMean } from './suggest.ts';
import { UsageError } from './usage-error.ts';

/**
 * Returns the one model of `known` that a user means: by its ID, its file, its file's name without `.gguf`, its display
 * name, or its repository if that has only one model. Undefined if there is none. Throws {@link UsageError} when there
 * are several.
 */
export function findModel<T extends KnownModel>(typed: string, known: readonly T[]): T | undefined {
  const found = matchingModels(typed, known);
  if (found.length < 2) return found[0];
  throw new UsageError(
    `"${typed}" matches several models. Use one of these IDs:\n${found.map(({ id }) => `  ${id}`).join('\n')}`,
  );
}

/** Returns the downloaded model of this name. Throws `MODEL_NOT_DOWNLOADED`, with the most similar name. */
export async function modelOnDisk(typed: string, client: Client) {
  const name = client.plainName(typed);
  const models = await client.all('GET_DOWNLOADED_MODELS', ({ models }) => models);
  const found = findModel(name, models);
  if (found !== undefined) return found;
  const hint = hintFor(name, models) || (models.length === 0 ? ' No models are downloaded yet.' : '');
  throw new HostError('MODEL_NOT_DOWNLOADED', `"${typed}" is not downloaded.${hint}`, { details: { model: typed } });
}

/**
 * Returns the ID of a model to download or to look up on the hub: a whole ID unchanged, otherwise a model of the list
 * or the disk. Throws `FILE_NOT_FOUND` with the most similar known one.
 */
export async function modelAnywhere(typed: string, client: Client): Promise<string> {
  const name = client.plainName(typed);
  const id = isRemoteId(name) || modelNameOf(name) !== undefined ? name : undefined;
  // IDs of other programs' models are case-insensitive; those of the hub are not.
  if (id !== undefined && !id.startsWith('local/')) return id;
  const known = await knownModels(client);
  const found = findModel(name, known);
  if (found !== undefined) return found.id;
  if (id !== undefined) return id;
  throw new HostError(
    'FILE_NOT_FOUND',
    `There is no model named "${typed}". Use a model ID such as owner/name/file.gguf, or a name from "tabagent ls --all".${hintFor(name, known)}`,
    { details: { model: typed } },
  );
}

/**
 * Like {@link modelAnywhere}, for requests in which the host chooses the file: a repository alone (`owner/name`), or
 * with a quantization (`owner/name:Q4_K_M`), is returned unchanged.
 *
 * @param options.isQualified Whether the request also has a quantization or a revision. A repository is then returned
 *   unchanged even if one of its models is known, because that may be another one.
 */
export async function modelOrRepository(
  typed: string,
  client: Client,
  { isQualified = false }: { readonly isQualified?: boolean } = {},
): Promise<string> {
  const name = client.plainName(typed);
  if (isQualified && modelQueryOf(name) !== undefined) return name;
  try {
    return await modelAnywhere(typed, client);
  } catch (error) {
    if (isHostError(error, 'FILE_NOT_FOUND') && modelQueryOf(name) !== undefined) return name;
    throw error;
  }
}

/** Adds to the error of an interrupted download that it can be resumed; returns other errors unchanged. */
export function withResumeHint(error: unknown): unknown {
  if (!isHostError(error, 'ABORTED')) return error;
  const message = 'Interrupted. What has been downloaded is kept; run the command again to resume the download.';
  return new HostError('ABORTED', message, { cause: error });
}

/** Adds similar names to an error about a model that does not exist; returns other errors unchanged. */
export async function withModelHint(error: unknown, typed: string, client: Client): Promise<unknown> {
  if (!isHostError(error, 'REPO_NOT_FOUND', 'FILE_NOT_FOUND')) return error;
  const hint = hintFor(typed, await knownModels(client));
  const { code, message, details } = error;
  return new HostError(code, message + hint, { cause: error, details });
}

/** Returns all available and downloaded models. */
async function knownModels(client: Client): Promise<KnownModel[]> {
  const [listed, onDisk] = await Promise.all([
    client.all('GET_AVAILABLE_MODELS', ({ models }) => models),
    client.all('GET_DOWNLOADED_MODELS', ({ models }) => models),
  ]);
  return [...new Map([...listed, ...onDisk].map((model) => [model.id, model])).values()];
}

function hintFor(typed: string, models: readonly KnownModel[]): string {
  const whole = didYouMean(
    typed,
    models.map(({ id }) => id),
  );
  if (whole !== '' || typed.includes('/')) return whole;
  // Short names can be used wherever IDs can.
  return didYouMean(
    typed,
    models.flatMap((model) => shortNamesOf(model).slice(2, 3)),
  );
}
