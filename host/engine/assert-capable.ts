import { modelNotCapable } from '../common/host-errors.ts';
import type { Ability } from '../gguf/abilities.ts';
import type { LoadedModel } from './types.ts';

/**
 * Refuses work that the model's own file says it cannot do, before llama.cpp is touched.
 *
 * @throws HostError `MODEL_NOT_CAPABLE`.
 */
export function assertCapable({ id, architecture, abilities }: LoadedModel, ability: Ability): void {
  const reason = abilities[ability];
  if (reason === null) return;
  const hint = ability === 'rank' && abilities.embed === null ? 'This model supports semantic search.' : undefined;
  throw modelNotCapable(id, ability, reason, { hint, architecture });
}
