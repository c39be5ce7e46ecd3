import { HostError } from '../common/errors.ts';
import type { Ability } from '../gguf/abilities.ts';
import type { LoadedModel } from './types.ts';

const DEEDS: Readonly<Record<Ability, string>> = {
  generate: 'generate text',
  embed: 'embed texts',
  rank: 'rank documents',
};

/**
 * Refuses work that the model's own file says it cannot do, before llama.cpp is touched.
 *
 * @throws HostError `MODEL_NOT_CAPABLE`.
 */
export function assertCapable({ id, architecture, abilities }: LoadedModel, ability: Ability): void {
  const reason = abilities[ability];
  if (reason === null) return;
  const hint = ability === 'rank' && abilities.embed === null ? ' SEMANTIC_SEARCH orders texts with this one.' : '';
  throw new HostError(
    'MODEL_NOT_CAPABLE',
    `${id} cannot ${DEEDS[ability]}, because ${reason}. Load a model made for it, and name it by \`model\`.${hint}`,
    { details: { modelId: id, ability, architecture, reason } },
  );
}
