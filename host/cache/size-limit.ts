import { HostError } from '../common/errors.ts';
import { parseSize } from '../common/parse-size.ts';
import type { HostConfig } from '../config.ts';
import { readConfigFile } from '../configuration/config-file.ts';
import { configFileIn } from '../configuration/config-text.ts';

/**
 * Returns the size limit of the cache in bytes: `TABAGENT_CACHE_LIMIT`, otherwise `cacheLimit` in `config.json`,
 * otherwise infinity. Reads the file on every call, so a change takes effect without restarting the browser.
 *
 * @throws HostError `INVALID_REQUEST` or `CONFIG_UNUSABLE` for an invalid limit. Ignoring it could fill the disk.
 */
export async function readSizeLimit({ paths, env }: Pick<HostConfig, 'paths' | 'env'>): Promise<number> {
  if (env.TABAGENT_CACHE_LIMIT) return parseLimit(env.TABAGENT_CACHE_LIMIT, 'TABAGENT_CACHE_LIMIT', 'INVALID_REQUEST');
  const { cacheLimit } = await readConfigFile(configFileIn(paths.home));
  return cacheLimit === undefined
    ? Number.POSITIVE_INFINITY
    : parseLimit(cacheLimit, 'cacheLimit in config.json', 'CONFIG_UNUSABLE');
}

function parseLimit(value: unknown, field: string, code: 'INVALID_REQUEST' | 'CONFIG_UNUSABLE'): number {
  const bytes = parseSize(value);
  if (bytes !== undefined) return bytes;
  const shown = JSON.stringify(value)?.slice(0, 100);
  throw new HostError(code, `${field} must be a size such as "50GB", but is ${shown}.`, { details: { field } });
}
