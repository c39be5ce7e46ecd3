import { HostError } from '../common/errors.ts';
import type { Secrets } from '../secrets/secrets.ts';
import type { Endpoint } from './endpoint.ts';

/** Characters of an API key: visible ASCII, as in the value of a header. */
export const KEY = /^[\x21-\x7e]{1,4096}$/;

/** The name under which an engine's API key is stored. */
export function keyName(engine: string): string {
  return `remote-key:${engine}`;
}

/** An API key and its source: the name of a variable, or `SET_REMOTE_KEY`. */
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
      `The API key for remote engine "${name}" in ${keyVariable} contains invalid characters. Set it again.`,
      {
        details: { engine: name, source: keyVariable },
      },
    );
  }
  const kept = await secrets.get(keyName(name));
  return kept === undefined ? undefined : { key: kept, source: 'SET_REMOTE_KEY' };
}
