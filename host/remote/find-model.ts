import { HostError, isHostError } from '../common/errors.ts';
import type { RemoteId } from '../protocol/remote-id.ts';
import { type RemoteModelFacts, unlistedModel } from './model-list.ts';
import type { RemoteEngine } from './remote-engine.ts';

/**
 * Asks an engine for one of its models. One that the configuration names need not be listed.
 *
 * @throws HostError `REMOTE_MODEL_NOT_FOUND`.
 */
export async function findModel(
  engine: RemoteEngine,
  { model, engine: name }: RemoteId,
  named: readonly string[] | undefined,
  signal: AbortSignal | undefined,
): Promise<RemoteModelFacts> {
  const isNamed = named?.includes(model) === true;
  const models = await engine.models({ signal }).catch((error: unknown) => {
    // It has answered, though not with a list: some serve a model and list none.
    if (isNamed && isHostError(error, 'REMOTE_ERROR')) return [];
    throw error;
  });
  const facts = models.find((listed) => listed.model === model);
  if (facts !== undefined) return facts;
  if (isNamed) return unlistedModel(model);
  throw new HostError(
    'REMOTE_MODEL_NOT_FOUND',
    `The engine "${name}" has no model "${model}". GET_AVAILABLE_MODELS lists what it has.`,
    {
      details: { engine: name, model },
    },
  );
}
