import { HostError } from '../common/errors.ts';
import type { Secrets } from '../secrets/secrets.ts';
import type { Endpoint } from './endpoint.ts';

/** What a key may be made of: visible ASCII, as a header's value must be. */
export const KEY = /^[\x21-\x7e]{1,4096}$/;

/** The name an engine's key is kept under. */
export function keyName(engine: string): string {
  return `remote-key:${engine}`;
}

/** A key, and where it was found: in the variable of this name, or given by SET_REMOTE_KEY. */
export interface FoundKey {
  readonly key: string;
  readonly source: string;
}

/**
 * The key of an engine: out of the variable its entry names, else what SET_REMOTE_KEY kept.
 *
 * @throws HostError `UNAUTHORIZED` for one that cannot be a key, without showing it.
 */
export async function findKey(
  { name, keyVariable }: Pick<Endpoint, 'name' | 'keyVariable'>,
  env: Readonly<NodeJS.ProcessEnv>,
  secrets: Secrets,
): Promise<FoundKey | undefined> {
  const value = keyVariable === undefined ? undefined : env[keyVariable]?.trim();
  if (keyVariable !== undefined && value !== undefined && value !== '') {
    if (KEY.test(value)) return { key: value, source: keyVariable };
    throw new HostError(
      'UNAUTHORIZED',
      `The key of the engine "${name}" in ${keyVariable} has characters no key has.`,
      {
        details: { engine: name, source: keyVariable },
      },
    );
  }
  const kept = await secrets.get(keyName(name));
  return kept === undefined ? undefined : { key: kept, source: 'SET_REMOTE_KEY' };
}
