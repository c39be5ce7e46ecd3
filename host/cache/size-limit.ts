import { HostError } from '../common/errors.ts';
import { parseSize } from '../common/parse-size.ts';
import type { HostConfig } from '../config.ts';
import { readConfigFile } from '../configuration/config-file.ts';
import { configFileIn } from '../configuration/config-text.ts';

/**
 * Bytes the cache may take: `TABAGENT_CACHE_LIMIT`, else `cacheLimit` in the user's `config.json`, else without end. Read
 * anew each time: a user who changes it need not start the browser again.
 *
 * @throws HostError `INVALID_REQUEST` or `CONFIG_UNUSABLE` for one that cannot be used: to pass over a limit would fill
 * the disk that it is there to keep free.
 */
export async function readSizeLimit({ paths, env }: Pick<HostConfig, 'paths' | 'env'>): Promise<number> {
  if (env.TABAGENT_CACHE_LIMIT) return parsed(env.TABAGENT_CACHE_LIMIT, 'TABAGENT_CACHE_LIMIT', 'INVALID_REQUEST');
  const { cacheLimit } = await readConfigFile(configFileIn(paths.home));
  return cacheLimit === undefined
    ? Number.POSITIVE_INFINITY
    : parsed(cacheLimit, 'cacheLimit in config.json', 'CONFIG_UNUSABLE');
}

function parsed(value: unknown, field: string, code: 'INVALID_REQUEST' | 'CONFIG_UNUSABLE'): number {
  const bytes = parseSize(value);
  if (bytes !== undefined) return bytes;
  const shown = JSON.stringify(value)?.slice(0, 100);
  throw new HostError(code, `${field} must be a size such as "50GB", but is ${shown}.`, { details: { field } });
}
