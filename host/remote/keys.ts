import { HostError } from '../common/errors.ts';
import type { Secrets } from '../secrets/secrets.ts';
import type { Endpoint } from './endpoint.ts';

/** Pattern of an API key: visible ASCII, because it is sent in a header. */
export const KEY = /^[\x21-\x7e]{1,4096}$/;

/** Returns the name under which an engine's API key is stored. */
export function keyName(engine: string): string {
  return `remote-key:${engine}`;
}

/** An API key and its source: the name of an environment variable, or `SET_REMOTE_KEY`. */
export interface FoundKey {
  readonly key: string;
  readonly source: string;
}

/**
 * Returns the API key of an engine: from the environment variable in its entry, otherwise the one that SET_REMOTE_KEY
 * saved.
 *
 * @throws HostError `UNAUTHORIZED` for an invalid key; the message does not contain it.
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
  const saved = await secrets.get(keyName(name));
  return saved === undefined ? undefined : { key: saved, source: 'SET_REMOTE_KEY' };
}
